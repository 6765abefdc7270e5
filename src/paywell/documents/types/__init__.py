"""The documents as values: what each says, before anybody formats it.

The PDF and the page are made from the same object. Amounts are minor units in the document's currency.
`documents.frozen` turns each into JSON and back. `replaces` is the number of the document that this one corrects.
"""

from paywell.documents.types.account import (
    Ageing,
    Entry,
    StatementDocument,
    StatementItem,
    YearlyDocument,
    YearlyItem,
)
from paywell.documents.types.estimate import EstimateDocument, EstimateItem
from paywell.documents.types.invoice import InvoiceDocument, InvoiceItem
from paywell.documents.types.letterhead import Kind, Letterhead, Setting
from paywell.documents.types.payment import ReceiptDocument, ReceiptItem, ReceiptRefund, RefundDocument
from paywell.documents.types.superbill import (
    SuperbillClinician,
    SuperbillCoverage,
    SuperbillDiagnosis,
    SuperbillDocument,
    SuperbillItem,
    SuperbillPayment,
)

#: What is kept by `documents.models`; invoices are kept by `invoicing`.
Issued = (
    SuperbillDocument | StatementDocument | ReceiptDocument | RefundDocument | YearlyDocument | EstimateDocument
)
Document = InvoiceDocument | Issued

__all__ = [
    "Ageing",
    "Document",
    "Entry",
    "EstimateDocument",
    "EstimateItem",
    "InvoiceDocument",
    "InvoiceItem",
    "Issued",
    "Kind",
    "Letterhead",
    "ReceiptDocument",
    "ReceiptItem",
    "ReceiptRefund",
    "RefundDocument",
    "Setting",
    "StatementDocument",
    "StatementItem",
    "SuperbillClinician",
    "SuperbillCoverage",
    "SuperbillDiagnosis",
    "SuperbillDocument",
    "SuperbillItem",
    "SuperbillPayment",
    "YearlyDocument",
    "YearlyItem",
]
