"""Single mails of our own: a link that somebody asked for. No campaign, no tracking, nothing to unsubscribe from."""

from email.utils import formataddr

from drumbeat.aws import client


def send(name: str, sender: str, to: str, subject: str, text: str) -> None:
    """Send a plain mail through SES, once: nobody knows whether a call without an answer arrived. Raises what botocore
    raises. Calls ses:SendEmail."""
    client("sesv2", tries=1).send_email(
        FromEmailAddress=formataddr((name, sender)),
        Destination={"ToAddresses": [to]},
        Content={
            "Simple": {
                "Subject": {"Data": subject, "Charset": "UTF-8"},
                "Body": {"Text": {"Data": text, "Charset": "UTF-8"}},
            }
        },
    )
