"""Kamailio as a provider: a registrar with digest, and a proxy that records its route."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from types import TracebackType

from .ports import free_port

_CONFIG = """
debug=2
log_stderror=yes
fork=yes
children=2
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:{port}
alias="127.0.0.1:{port}"

loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"

modparam("usrloc", "db_mode", 0)
modparam("registrar", "min_expires", 1)
modparam("registrar", "max_expires", {expires})
modparam("auth", "nonce_expire", 300)
modparam("auth", "algorithm", "{algorithm}")

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not Here");
        exit;
    }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("{realm}", "{password}", "0")) {{ www_challenge("{realm}", "1"); exit; }}
        save("location");
        exit;
    }}
    if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    if (from_uri == "sip:sems@127.0.0.1:{port}"
            && !pv_proxy_authenticate("{realm}", "{password}", "0")) {{
        proxy_challenge("{realm}", "1");
        exit;
    }}
    record_route();
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
    t_relay();
}}
"""


class Kamailio:
    """`async with Kamailio(tmp_path) as provider:` — its users are whoever knows `password`."""

    realm = "kamailio"
    password = "provider's secret"

    def __init__(self, folder: Path, *, expires: int = 3600, algorithm: str = "MD5") -> None:
        """`expires`: the most seconds that it grants. `algorithm`: what it asks by."""
        self.port = free_port()
        self.folder = folder / "kamailio"
        self.folder.mkdir()
        self.config = self.folder / "kamailio.cfg"
        self.config.write_text(
            _CONFIG.format(
                port=self.port,
                realm=self.realm,
                password=self.password,
                expires=expires,
                algorithm=algorithm,
            ),
            encoding="utf-8",
        )
        self.log: list[str] = []

    def uri(self, user: str) -> str:
        """A user of its domain."""
        return f"sip:{user}@127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Serves when it returns, and knows nobody."""
        program = shutil.which("kamailio")
        assert program, "Kamailio is not installed: run the tests by `make test`"
        self.process = await asyncio.create_subprocess_exec(
            *(program, "-DD", "-E", "-f", str(self.config), "-m", "32", "-M", "4"),
            *("-Y", str(self.folder), "-P", str(self.folder / "pid")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        self._reader = asyncio.create_task(self._read())
        async with asyncio.timeout(15):
            while not await self._answers():
                assert self.process.returncode is None, "\n".join(self.log)

    async def stop(self) -> None:
        """Ends it without a word to anybody."""
        if self.process.returncode is None:
            self.process.terminate()
        await asyncio.wait_for(self.process.wait(), 10)
        await self._reader

    async def __aenter__(self) -> Kamailio:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _read(self) -> None:
        assert self.process.stderr
        async for line in self.process.stderr:
            self.log.append(line.decode(errors="replace").rstrip())

    async def _answers(self) -> bool:
        """Whether it answers OPTIONS."""
        answered = asyncio.get_running_loop().create_future()

        class Ask(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:
                if not answered.done():
                    answered.set_result(True)

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            Ask, local_addr=("127.0.0.1", 0)
        )
        ip, port = transport.get_extra_info("sockname")
        transport.sendto(
            f"OPTIONS sip:127.0.0.1:{self.port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {ip}:{port};branch=z9hG4bKready\r\n"
            f"From: <sip:a@{ip}>;tag=1\r\nTo: <sip:a@{ip}>\r\nCall-ID: ready-{port}\r\nCSeq: 1 OPTIONS\r\n"
            "Max-Forwards: 10\r\nContent-Length: 0\r\n\r\n".encode(),
            ("127.0.0.1", self.port),
        )
        try:
            return await asyncio.wait_for(answered, 0.3)
        except TimeoutError:
            return False
        finally:
            transport.close()
