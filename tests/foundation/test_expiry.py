"""The day on a package, wherever somebody may tell one."""

import pytest
from marshmallow import ValidationError

from app.boxes.schemas import ReceiveIntoPayload
from app.donations.schemas import ArrivalLineIn, OfferLineIn, ReceivedLineIn
from app.stock.schemas import ReceiveForm, ReceivePayload
from app.stocktakes.schemas import CountPayload, FoundForm
from app.transfers.schemas import AddForm, AddPayload, TransferAddIn

TOLD_IN = [
    *(ReceivePayload, ReceiveForm, ReceiveIntoPayload, OfferLineIn, ArrivalLineIn, ReceivedLineIn),
    *(CountPayload, FoundForm, TransferAddIn, AddPayload, AddForm),
]


@pytest.mark.parametrize("schema", TOLD_IN)
def test_a_year_that_a_finger_slipped_on_is_refused(schema):
    field = schema().fields["expires_on"]
    assert field.deserialize("2027-03-31").year == 2027
    for slipped in ("0001-01-01", "0202-11-23", "9999-12-31"):
        with pytest.raises(ValidationError, match="Not a valid date"):
            field.deserialize(slipped)
