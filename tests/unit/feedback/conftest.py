"""What tests of signed events share: the certificate that SNS signs with, and an instance that remembers nothing."""

import pytest
from drumbeat import clock
from drumbeat.feedback import certificates, known
from drumbeat.feedback.certificates import SigningCertificate

from tests import sns
from tests.world import World


@pytest.fixture(autouse=True)
def _fresh() -> None:
    certificates.forget()
    known.forget()


@pytest.fixture
def trusting(world: World) -> World:
    """A world whose table has the certificate already."""
    keep(sns.certificate())
    return world


def keep(pem: str, url: str = sns.CERTIFICATE_URL) -> None:
    SigningCertificate(*SigningCertificate.key(url), pem=pem, fetched_at=clock.wall()).save()
