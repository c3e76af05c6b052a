"""Kamailio as a provider: a registrar with digest, and a proxy that records its route."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from .ports import free_port

#: What a proxy begins with that only sends on what comes: over UDP, and with `route(KNOWN)` for what belongs
#: to something that it has let pass before.
FRONT = """
debug=2
log_stderror=yes
fork=yes
children=2
auto_aliases=no
disable_tcp=yes
listen=udp:127.0.0.1:{port}

loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"

route[KNOWN] {{
    if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not Here");
        exit;
    }}
}}
"""

_CONFIG = """
debug=2
log_stderror=yes
fork=yes
children=2
auto_aliases=no
listen=udp:127.0.0.1:{port}
{streams}
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
loadmodule "xlog.so"
{modules}

modparam("usrloc", "db_mode", 0)
modparam("registrar", "min_expires", 1)
modparam("registrar", "max_expires", {expires})
modparam("auth", "nonce_expire", 300)
modparam("auth", "algorithm", "{algorithm}")
{nonces}

request_route {{
    xlog("L_NOTICE", "came by $proto: $rm, $ml bytes, $ci $cs $ft\n");
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{
            xlog("L_NOTICE", "within a dialog: $rm, $ci $cs $ft\n");
            t_relay();
            exit;
        }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not Here");
        exit;
    }}
    if (is_method("REGISTER")) {{
        xlog("L_NOTICE", "registers by: $hdr(Authorization), $ci $cs\n");
        if (!pv_www_authenticate("{realm}", "{password}", "0")) {{ www_challenge("{realm}", "1"); exit; }}
        save("location");
        exit;
    }}
    if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    if ($fU == "sems" && !pv_proxy_authenticate("{realm}", "{password}", "0")) {{
        proxy_challenge("{realm}", "1");
        exit;
    }}
    record_route();
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
    t_relay();
}}
"""

_STREAMS = """
tcp_children=1
listen=tcp:127.0.0.1:{port}
listen=tls:127.0.0.1:{tls_port}
enable_tls=yes
"""
# Each answer needs a nonce of its own, and the 200 to it names the next (RFC 7615).
_ONE_TIME = """
modparam("auth", "one_time_nonce", 1)
modparam("auth", "qop", "auth")
modparam("auth", "add_authinfo_hdr", 1)
"""
_TLS = """
loadmodule "tls.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "{certificate}")
modparam("tls", "private_key", "{key}")
"""


class Process:
    """A Kamailio that runs by `config`, which whoever derives from this has to write."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder / "kamailio"
        self.folder.mkdir()
        self.config = self.folder / "kamailio.cfg"
        self.log: list[str] = []
        self._said = asyncio.Event()

    async def until(self, wanted: Callable[[], bool], timeout: float = 20) -> None:
        """Waits until what it has said by then is as wanted: its log comes by a pipe."""
        async with asyncio.timeout(timeout):
            while not wanted():
                self._said.clear()
                await self._said.wait()

    async def start(self) -> None:
        """Serves when it returns, and knows nobody."""
        program = shutil.which("kamailio")
        assert program, "Kamailio is not installed: run the tests by `make test`"
        self.process = await asyncio.create_subprocess_exec(
            *(program, "-DD", "-E", "-f", str(self.config), "-m", "32", "-M", "8"),
            *("-Y", str(self.folder), "-P", str(self.folder / "pid")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        self._reader = asyncio.create_task(self._read())
        async with asyncio.timeout(30):
            while not await self._answers():
                assert self.process.returncode is None, "\n".join(self.log)

    async def stop(self) -> None:
        """Ends it without a word to anybody."""
        if self.process.returncode is None:
            self.process.terminate()
        await asyncio.wait_for(self.process.wait(), 10)
        await self._reader

    async def __aenter__(self) -> Self:
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
            self._said.set()

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


class Kamailio(Process):
    """`async with Kamailio(tmp_path) as provider:` — its users are whoever knows `password`."""

    realm = "kamailio"
    password = "provider's secret"

    def __init__(
        self,
        folder: Path,
        *,
        expires: int = 3600,
        algorithm: str = "MD5",
        streams: bool = False,
        one_time_nonces: bool = False,
    ) -> None:
        """`expires`: the most seconds that it grants. `algorithm`: what it asks by. `streams`: it is there by
        TCP and TLS, too. `one_time_nonces`: each of its nonces is good for one answer, and it names the
        next."""
        super().__init__(folder)
        self.tls_port = free_port()
        self.certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        if streams:
            make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
            who = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
            who += ["-addext", "basicConstraints=critical,CA:FALSE"]
            subprocess.run(
                [*make.split(), *who, "-keyout", str(key), "-out", str(self.certificate)],
                check=True,
                capture_output=True,
            )
        self.config.write_text(
            _CONFIG.format(
                port=self.port,
                realm=self.realm,
                password=self.password,
                expires=expires,
                algorithm=algorithm,
                nonces=_ONE_TIME if one_time_nonces else "",
                streams=_STREAMS.format(port=self.port, tls_port=self.tls_port)
                if streams
                else "disable_tcp=yes",
                modules=_TLS.format(certificate=self.certificate, key=key) if streams else "",
            ),
            encoding="utf-8",
        )

    def uri(self, user: str) -> str:
        """A user of its domain."""
        return f"sip:{user}@127.0.0.1:{self.port}"

    def registrar(self, transport: str) -> str:
        """Where to register by that transport."""
        port = self.tls_port if transport == "tls" else self.port
        return f"sip:127.0.0.1:{port};transport={transport}"

    def within(self) -> list[str]:
        """The methods of the requests that came to it within dialogs, by the route that it has recorded."""
        return [one[1] for one in self._told(r"within a dialog: (\w+), .*")]

    def came(self, method: str) -> list[tuple[str, int]]:
        """By which transport the requests of that method have come to it, and how many bytes each had."""
        return [(one[1], int(one[2])) for one in self._told(rf"came by (\w+): {method}, (\d+) bytes, .*")]

    def nonces(self) -> list[str | None]:
        """The nonce that each REGISTER had answered which has come to it; None: it had none."""
        came = self._told(r"registers by: (.*)")
        found = [re.search(r'nonce="([^"]+)"', one[1]) for one in came]
        return [one[1] if one else None for one in found]

    def _told(self, pattern: str) -> list[re.Match[str]]:
        """What it has said so, each once: it says the same of what UDP sends again when a busy machine takes
        too long to answer (RFC 3261 §17)."""
        found = (re.search(pattern, line) for line in self.log)
        return list({one[0]: one for one in found if one}.values())
