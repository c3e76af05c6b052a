"""Parts that a package can bring in place of those that come with SEMS (entry points ``sems.components``).

The name of the entry point is the kind, its value a callable that is given the configuration and the options
of ``[components.KIND]`` and returns what fits the protocol of the kind:

============== ===================================== ============================================
kind           protocol                              comes with SEMS
============== ===================================== ============================================
storage        :class:`Storage`                      a database and files
mailer         :class:`Mailer`                       SMTP
voice          :class:`Voice`                        espeak-ng
authentication :class:`Authentication`               ``[[auth.users]]``
dialout        :class:`DialoutPolicy`                ``[dialout] allow``
accounts       :class:`AccountSource`                ``[[accounts]]``
============== ===================================== ============================================
"""

from .accounts import AccountSource, ConfiguredAccounts
from .authentication import Authentication, ConfiguredUsers
from .dialout import AllowList, DialoutPolicy
from .finding import GROUP, KINDS, KINDS_OF_OURS, OWN_ALONE, Components, FoundComponent
from .mailer import Mailer, SmtpMailer
from .storage import Storage
from .voice import EspeakNg, Voice

__all__ = [
    "GROUP",
    "KINDS",
    "KINDS_OF_OURS",
    "OWN_ALONE",
    "AccountSource",
    "AllowList",
    "Authentication",
    "Components",
    "ConfiguredAccounts",
    "ConfiguredUsers",
    "DialoutPolicy",
    "EspeakNg",
    "FoundComponent",
    "Mailer",
    "SmtpMailer",
    "Storage",
    "Voice",
]
