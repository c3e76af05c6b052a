"""The third level: a session with overridable behaviour. A desk that keeps callers company until somebody
is put through to them, and does as usual with everything else."""

from sems import App, Refer, Session

app = App()


@app.session
class Desk(Session):
    """Plays music; a key plays its digit; a transfer is followed within the house."""

    async def run(self) -> None:
        """For as long as the call lasts."""
        await self.call.play("tone:sine:440:1000:-20", repeat=0)

    async def on_dtmf(self, digit: str) -> None:
        """Says which key it was."""
        if digit.isdigit():
            await self.call.play(f"digit-{digit}")

    async def on_refer(self, refer: Refer) -> None:
        """Calls whom the caller names, if that is one of us."""
        if refer.target.rpartition("@")[2] in ("bob", "sems.example"):
            await refer.follow()
        else:
            await super().on_refer(refer)
