"""Tell people what changed, by mail or into a chat or ticket system: verdict, counts by rule, grade. Never a name.

A message that cannot be sent is one sentence and changes nothing else. TLS is always verified (RFC 8314 for mail).
"""

from __future__ import annotations

import json
import smtplib
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path

import requests

from auditor import facts, safe
from auditor.collect import SourceError, secrets
from auditor.config import Audit
from auditor.config_report import Smtp, Webhook
from auditor.errors import AuditorError
from auditor.model import Change, Finding, Run, Severity, Text
from auditor.report import wording
from auditor.report.i18n import Phrases

SECONDS = 60.0
"""How long a message may take in all, and its server may stay silent for a third of it."""
STATE = "notified.json"
"""File in the output folder with the exit code and the grade that were last told."""


class _RefusedError(Exception):
    """A server answered, and would not take the message."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def send(run: Run, settings: Audit) -> tuple[Text, ...]:
    """Send what changed to whom the settings name; nothing when nothing did, unless they want it always. Returns what failed, and why."""
    ways: list[tuple[Text, Callable[[], None]]] = []
    subject, body = message(run, settings)
    if smtp := settings.notify.smtp:
        server = safe.visible(smtp.server)
        ways.append((Text(f"mail server {server}", f"serveur de messagerie {server}"), lambda: _mail(smtp, subject, body)))
    if webhook := settings.notify.webhook:
        # Its address lets whoever reads it write: it is never shown, in whole or in part.
        ways.append((Text("webhook", "webhook"), lambda: _post(webhook, body)))
    if not ways or not (settings.notify.always or changed(run, settings.output)):
        return ()
    failed = tuple(told for name, deliver in ways if (told := _attempt(name, deliver)))
    if not failed:
        # Without it, the next run tells once more.
        with suppress(OSError):
            safe.private_write(settings.output / STATE, json.dumps(_told(run)) + "\n")
    return failed


def changed(run: Run, folder: Path) -> bool:
    """Whether there is something to tell: findings that came or went since the last run, another grade or exit code than last told."""
    if run.comparison is None or run.comparison.fixed:
        return True
    counted = facts.of(run)
    if counted.changed(Change.NEW) or counted.changed(Change.RETURNED):
        return True
    try:
        return bool(json.loads((folder / STATE).read_bytes()) != _told(run))
    except (OSError, ValueError):
        return True


def _told(run: Run) -> dict[str, object]:
    return {"code": run.exit.code if run.exit else None, "grade": run.score.grade if run.score else ""}


def message(run: Run, settings: Audit) -> tuple[str, str]:
    """Subject and body: words and titles of the program, counts, and the link of the settings."""
    say = Phrases(settings.language)
    counted = facts.of(run)
    verdict = say.of(run.exit.reason) if run.exit else ""
    lines = [verdict]
    grade = run.score.grade if run.score else ""
    lines.append(say.gettext("Grade %(grade)s", grade=grade) if grade else say.gettext("No grade"))
    if run.comparison:
        new, returned = counted.changed(Change.NEW), counted.changed(Change.RETURNED)
        lines.append(wording.changed(say, new, returned, len(run.comparison.fixed)))
    criticals = [(sum(_critical(control, finding, run) for finding in control.confirmed), control.rule) for control in counted.failing]
    if named := [(count, rule) for count, rule in criticals if count]:
        lines += ["", say.gettext("New critical findings:") if run.comparison else say.gettext("Critical findings:")]
        lines += [f"- {say.number(count)} × {say.of(rule.title)} ({rule.id})" for count, rule in named]
    if settings.notify.report_link:
        lines += ["", say.gettext("Report: %(link)s", link=settings.notify.report_link)]
    return safe.visible(verdict), "\n".join(map(safe.visible, lines)) + "\n"


def _critical(control: facts.Control, finding: Finding, run: Run) -> bool:
    """A critical finding to be told: one that is new or back, and each of them when there is no earlier run."""
    return control.severity(finding) is Severity.CRITICAL and (run.comparison is None or wording.is_new(finding.change))


def _attempt(name: Text, deliver: Callable[[], None]) -> Text | None:
    """Send, and say why it failed. No server keeps the audit longer than SECONDS."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            deliver()
        except (OSError, ValueError, AuditorError, _RefusedError) as error:
            failures.append(error)

    # A server that sends a byte now and then never runs into the time limit of a single answer.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(SECONDS)
    if thread.is_alive():
        failures.append(TimeoutError())
    if not failures:
        return None
    reason = _reason(failures[0])
    return Text(
        f"the message could not be sent ({name.en}): {reason.en}", f"le message n’a pas pu être envoyé ({name.fr})\u00a0: {reason.fr}"
    )


def _reason(error: BaseException) -> Text:
    """What went wrong, in words of ours: what libraries say holds addresses and answers of servers."""
    if isinstance(error, (_RefusedError, SourceError)):
        return error.text
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None:
        seen.append(cause)
        cause = cause.__cause__ or cause.__context__
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in seen):
        return Text(
            "its certificate is not trusted; name the authority in ca_file.",
            "son certificat n’est pas reconnu\u00a0; indiquez l’autorité dans ca_file.",
        )
    if any(isinstance(one, (TimeoutError, requests.Timeout)) for one in seen):
        return Text("it did not answer in time; check address and port.", "pas de réponse à temps\u00a0; vérifiez l’adresse et le port.")
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Text("it refused user or password; correct them.", "identifiant ou mot de passe refusés\u00a0; corrigez-les.")
    if isinstance(error, smtplib.SMTPException):
        code = getattr(error, "smtp_code", "")
        return Text(
            f"it refused the message ({code or type(error).__name__}); check sender, recipients and tls.",
            f"message refusé ({code or type(error).__name__})\u00a0; vérifiez l’expéditeur, les destinataires et tls.",
        )
    return Text(
        f"it cannot be reached ({type(error).__name__}); check address, port and tls.",
        f"injoignable ({type(error).__name__})\u00a0; vérifiez l’adresse, le port et tls.",
    )


def _mail(smtp: Smtp, subject: str, body: str) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, smtp.sender, ", ".join(smtp.recipients)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body)
    context = ssl.create_default_context(cafile=str(smtp.ca_file) if smtp.ca_file else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    password = secrets.resolve(smtp.password, smtp.user) if smtp.password else ""
    with (
        smtplib.SMTP_SSL(smtp.server, smtp.port, timeout=SECONDS / 3, context=context)
        if smtp.tls == "implicit"
        else smtplib.SMTP(smtp.server, smtp.port, timeout=SECONDS / 3)
    ) as connection:
        if smtp.tls == "starttls":
            connection.starttls(context=context)
        if password:
            connection.login(smtp.user, password)
        if connection.send_message(mail):
            raise _RefusedError(Text("it refused some of the recipients.", "une partie des destinataires est refusée."))


def _post(webhook: Webhook, body: str) -> None:
    url = secrets.resolve(webhook.url, "webhook")
    if not url.startswith("https://"):
        raise _RefusedError(Text("its address must begin with https://.", "son adresse doit commencer par https://."))
    with (
        requests.Session() as session,
        # On the request: a variable such as REQUESTS_CA_BUNDLE would silently replace session.verify.
        session.post(
            url, json={"text": body}, timeout=SECONDS / 3, allow_redirects=False, stream=True,
            verify=str(webhook.ca_file) if webhook.ca_file else True,
        ) as answer,
    ):  # fmt: skip
        if not 200 <= answer.status_code < 300:
            raise _RefusedError(
                Text(
                    f"it answered {answer.status_code} and did not take the message; check its address.",
                    f"réponse {answer.status_code}, message non pris\u00a0; vérifiez son adresse.",
                )
            )
