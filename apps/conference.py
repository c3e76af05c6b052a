"""Lets all who call the same name talk with each other, and gives each a page to see and steer it.

Parameters: ``room=NAME`` (default: the dialled user), ``role=moderator|speaker|listener``.
"""

from sems import App, Call

app = App()


@app.call
async def main(call: Call) -> None:
    """Takes part until the caller hangs up or is removed."""
    room = call.params.get("room") or call.user or "main"
    await call.server.conferences.get(room).join(call)
