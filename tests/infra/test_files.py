"""Files of tenants vanish when their context says that they do."""

from drumbeat.exports import model as exports
from drumbeat.privacy import model as privacy

from infra.base_stack import TEMPORARY


def test_the_bucket_forgets_files_when_their_context_says_so() -> None:
    assert TEMPORARY[exports.FOLDER.name] == exports.KEPT.days
    assert TEMPORARY[privacy.FOLDER.name] == privacy.KEPT.days
