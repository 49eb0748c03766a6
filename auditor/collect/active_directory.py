"""A live Active Directory domain: one controller, two passes, read-only, every property asked for by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import islice

from auditor.collect import Progress, SourceError, directory_values, ldap_connect, ldap_kerberos, secrets, unread
from auditor.collect import ldap_messages as messages
from auditor.collect.directory import ATTRIBUTES, Directory
from auditor.collect.directory_coverage import TABLE_NAMES
from auditor.collect.directory_index import Index
from auditor.collect.ldap import Deadline, LdapError, Session
from auditor.config import ActiveDirectory
from auditor.model import Text
from auditor.snapshot import Writer
from auditor.tables import COLLECTED

_ROOT = (
    "defaultNamingContext", "configurationNamingContext", "dnsHostName", "currentTime", "supportedControl", "highestCommittedUSN",
    "domainFunctionality", "forestFunctionality",
)  # fmt: skip
_OBJECTS = (
    "(|(objectClass=user)(objectClass=group)(objectClass=contact)(objectClass=domainDNS)"
    "(objectClass=msDS-PasswordSettings)(objectClass=msDS-PasswordSettingsContainer)(&(objectClass=container)(cn=AdminSDHolder)))"
)
_IDENTITY = ("objectClass", "objectSid", "primaryGroupID", "memberOf")
_FOREST = ("CN=Directory Service,CN=Windows NT,CN=Services,{configuration}", "CN=Partitions,{configuration}")
_PROGRESS_EVERY = 500
_MOST_REREAD = 200
_SAMPLE = 200
_SKEW = timedelta(minutes=5)


@contextmanager
def connect(settings: ActiveDirectory) -> Iterator[Session]:
    """A bound session; SourceError in one sentence when it cannot be had."""
    if settings.bind == "kerberos":
        sock = ldap_kerberos.connect(settings)
        deadline = Deadline(settings.deadline, lambda: sock)
        try:
            channel = ldap_kerberos.seal(sock, settings)
        except BaseException:
            deadline.cancel()
            sock.close()
            raise
        with Session(channel, deadline, settings.page_size) as session:
            yield session
        return
    password = secrets.resolve(settings.password, settings.user) if settings.password else ""
    connection = ldap_connect.prepare(settings, settings.user, password)
    deadline = Deadline(settings.deadline, lambda: connection.socket)
    try:
        bound = ldap_connect.open_and_bind(connection, settings)
    except BaseException:
        deadline.cancel()
        if connection.socket is not None:
            connection.socket.close()
        raise
    with Session(bound, deadline, settings.page_size) as session:
        yield session


def collect(settings: ActiveDirectory, writer: Writer, progress: Progress) -> None:
    """Read the domain into the directory tables. What was read before a cut is kept, and the coverage of every table says why it is
    partial; a server that cannot be read leaves every table absent or denied."""
    try:
        with connect(settings) as session:
            _read(session, settings, writer, progress)
    except SourceError as error:
        writer.add_coverage(unread(TABLE_NAMES, settings.name, error))


def _read(session: Session, settings: ActiveDirectory, writer: Writer, progress: Progress) -> None:
    root = session.read("", _ROOT) or {}
    domain, configuration = _text(root, "defaultnamingcontext"), _text(root, "configurationnamingcontext")
    if not domain:
        en, fr = f"{settings.server} is not a domain controller", f"{settings.server} n’est pas un contrôleur de domaine"
        raise SourceError(Text(f"{en}; correct server.", f"{fr} ; corriger server."))
    now = _current_time(root)
    descriptors = messages.SD_FLAGS.encode() in root.get("supportedcontrol", ())
    declared = (settings.person_number_attribute, *settings.professional_id_attributes)
    index = Index()
    cut: Text | None = None
    try:
        for name, attributes in session.search(domain, _OBJECTS, (*_IDENTITY, *declared)):
            index.learn(name, attributes)
    except LdapError as error:
        if error.lost:
            raise
        index.complete, cut = False, error.text
    directory = Directory(writer, settings, index)
    wished = (*ATTRIBUTES, *declared)
    read = 0
    try:
        for pattern in _FOREST:
            name = pattern.format(configuration=configuration)
            directory.add(name, session.read(name, wished) or {})
        for name, attributes in session.search(domain, _OBJECTS, wished, descriptors=descriptors):
            whole = session.complete(name, attributes)
            index.learn(name, whole)
            directory.add(name, whole)
            read += 1
            if read % _PROGRESS_EVERY == 0:
                progress(settings.name, read)
        _read_again(session, index, directory, wished, descriptors=descriptors)
    except LdapError as error:
        cut = error.text
    directory.finish(cut)
    progress(settings.name, read)
    writer.add_coverage(directory.gaps.coverage(settings.name, directory.rows, now))
    writer.add_facts(settings.name, {
        "server": _text(root, "dnshostname"),
        "domain": domain,
        "current_time": now.isoformat() if now else None,
        "highest_committed_usn": _text(root, "highestcommittedusn"),
        "entries": read,
        "visible": dict(directory.visible),
    })  # fmt: skip


def _read_again(session: Session, index: Index, directory: Directory, wished: tuple[str, ...], *, descriptors: bool) -> None:
    """Cross-check of the two passes: what the first one saw and the second did not is asked for by its SID. It was deleted in
    between, or the second pass was cut without a word."""
    missing = sorted(index.keys().difference(directory.seen))
    for key in missing[:_MOST_REREAD]:
        base = f"<SID={key.rpartition('/')[2]}>"
        if found := session.read(base, ("distinguishedName", *wished), descriptors=descriptors):
            directory.add(_text(found, "distinguishedname"), session.complete(base, found))
    unexplained = max(0, len(missing) - _MOST_REREAD)
    directory.gaps.count("vanished", "account", "directory_group", "group_member", number=unexplained)


def doctor(settings: ActiveDirectory) -> list[tuple[bool, Text]]:
    """What a collection would meet: whether the server answers, under which name, with which clock, and what the account may not
    see, with the grant that cures it. The only place that reads the local clock."""
    findings: list[tuple[bool, Text]] = []
    try:
        with connect(settings) as session:
            protection = (
                Text("Kerberos, sealed", "Kerberos, chiffré") if settings.bind == "kerberos" else Text("TLS verified", "TLS vérifié")
            )
            en, fr = f"{settings.server} answers ({protection.en})", f"{settings.server} répond ({protection.fr})"
            findings.append((True, Text(en, fr)))
            _examine(session, settings, findings)
    except SourceError as error:
        findings.append((False, error.text))
    return findings


def _examine(session: Session, settings: ActiveDirectory, findings: list[tuple[bool, Text]]) -> None:
    root = session.read("", _ROOT) or {}
    domain = _text(root, "defaultnamingcontext")
    who = session.who_am_i() or settings.user
    findings.append((bool(domain), Text(f"signed in as {who}, domain {domain}", f"connecté en tant que {who}, domaine {domain}")))
    now = _current_time(root)
    if now:
        skew = round(abs(datetime.now(UTC).replace(tzinfo=None) - now).total_seconds())
        findings.append((skew <= _SKEW.total_seconds(), Text(f"clock differs by {skew} s", f"écart d’horloge : {skew} s")))
    users = list(islice(session.search(domain, "(&(objectCategory=person)(objectClass=user))", ATTRIBUTES), _SAMPLE))
    for attribute in ("userAccountControl", "whenCreated", "pwdLastSet"):
        seen = sum(attribute.lower() in attributes for _, attributes in users)
        en = f"{attribute} visible on {seen} of {len(users)} accounts"
        fr = f"{attribute} visible sur {seen} comptes sur {len(users)}"
        findings.append(_judged(bool(users) and seen == len(users), Text(en, fr), "account"))
    container = session.read(f"CN=Password Settings Container,CN=System,{domain}", ("whenCreated",))
    policies = Text("fine-grained password policies", "stratégies de mot de passe affinées")
    findings.append(_readable(bool(container), policies, "password_settings"))
    permissions = None
    with suppress(LdapError):
        permissions = session.read(domain, ("nTSecurityDescriptor",), descriptors=True)
    findings.append(_readable(bool(permissions), Text("permissions", "permissions"), "directory_object"))


def _readable(good: bool, what: Text, table: str) -> tuple[bool, Text]:  # noqa: FBT001
    en, fr = ("readable", "lisibles") if good else ("not readable", "illisibles")
    return _judged(good, Text(f"{what.en}: {en}", f"{what.fr} : {fr}"), table)


def _judged(good: bool, sentence: Text, table: str) -> tuple[bool, Text]:  # noqa: FBT001
    if good:
        return True, sentence
    cure = COLLECTED[table].cure
    return False, Text(f"{sentence.en}. {cure.en}", f"{sentence.fr}. {cure.fr}")


def _text(attributes: dict[str, list[bytes]], name: str) -> str:
    return directory_values.text(attributes.get(name, [b""])[0])


def _current_time(root: dict[str, list[bytes]]) -> datetime | None:
    with suppress(ValueError, KeyError):
        return directory_values.generalized_time(root["currenttime"][0])
    return None
