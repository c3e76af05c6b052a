"""Where a request goes: the next hop and its servers (RFC 3263), and on from there when it is redirected."""
