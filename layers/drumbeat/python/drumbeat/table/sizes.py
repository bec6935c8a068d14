"""How large an item may be: DynamoDB takes 400 KB, names and values together, texts as UTF-8."""

from botocore.exceptions import ClientError

MOST_KILOBYTES = 400


def is_too_large(error: BaseException) -> bool:
    """Whether a write failed because an item would have been too large, whatever was made of DynamoDB's error since."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ClientError) and any(_is_about_size(*reason) for reason in _reasons(seen)):
            return True
        seen = seen.__cause__ or seen.__context__  # pynamodb raises its own while it handles the first
    return False


def _reasons(error: ClientError) -> list[tuple[str, str]]:
    """(code, message) of the error, and of each action of a cancelled transaction."""
    told = [error.response["Error"], *error.response.get("CancellationReasons", [])]
    return [(str(one.get("Code")), str(one.get("Message"))) for one in told]


def _is_about_size(code: str, message: str) -> bool:
    # "Item size has exceeded the maximum allowed size", "Item size to update has exceeded the maximum allowed size"
    return code in ("ValidationException", "ValidationError") and message.startswith("Item size")
