"""Export or erase all that is stored of a person: a contact, or whoever has an address."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.privacy import declared, disclosing, erasing, model
from drumbeat.privacy.model import FOLDER, PRIVACY, NewPrivacyRequest, PrivacyRequestView


@http(
    "POST /v1/privacy-requests",
    scope="privacy:write",
    limit=STANDARD,
    status=202,
    reads=declared.READS,
    writes=declared.WRITES,
    starts=(PRIVACY,),
    files=(FOLDER,),
    timeout=29,
)
def handler(request: Request, body: NewPrivacyRequest) -> PrivacyRequestView:
    """404 `NOT_FOUND` for an unknown contact, and when nothing is stored of an address. An erasure is in force with the
    answer: the contact is gone and its addresses get nothing any more; the rest follows in the background."""
    act = erasing.request if body.wish == "erasure" else disclosing.request
    row = act(
        request.tenant, body.contact_id, body.address, request_id=request.new_id("prv"), actor=request.actor
    )  # fmt: skip
    return model.view(row)
