"""The calls of the stand-in's API, one function each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from lxml import etree

from tests.contract.authorize_net_fake import (
    PAGE_VALID,
    Account,
    AuthorizeNetFake,
    Page,
    Response,
    Transaction,
)

BRANDS = {"4": "Visa", "5": "MasterCard", "3": "AmericanExpress", "6": "Discover"}
REASONS = {
    11: "A duplicate transaction has been submitted.",
    16: "The transaction cannot be found.",
    54: "The referenced transaction does not meet the criteria for issuing a credit.",
    55: "The sum of credits against the referenced transaction would exceed original debit amount.",
}
NOT_FOUND = ("E00040", "The record cannot be found.")
REPORTING_OFF = ("E00011", "Access denied. You do not have permission to call the Transaction Details API.")


def brand_of(number: str) -> str:
    return BRANDS.get(number[0], "Visa")


def merchant_details(fake: AuthorizeNetFake, account: Account, root: etree._Element) -> Response:
    return fake.answer(
        "getMerchantDetailsResponse",
        [
            ("isTestMode", "true" if account.test_mode else "false"),
            ("processors", [("processor", [("name", "First Data Nashville"), ("id", "2")])]),
            ("merchantName", "Stand-in"),
            ("gatewayId", "1"),
            ("marketTypes", [("marketType", "2")]),
            ("productCodes", [("productCode", "CNP")]),
            ("paymentMethods", [("paymentMethod", "Visa")]),
            ("currencies", [("currency", "USD")]),
        ],
    )


def create_customer(fake: AuthorizeNetFake, account: Account, root: etree._Element) -> Response:
    if not account.profiles_on:
        return fake.error("E00044", "Customer Information Manager is not enabled.")
    name = root.findtext("profile/merchantCustomerId") or ""
    for number, profile in account.profiles.items():
        if profile["name"] == name:
            text = f"A duplicate record with ID {number} already exists."
            return _create_customer_answer(fake, None, code="E00039", text=text, result="Error")
    number = fake.number()
    account.profiles[number] = {"name": name, "cards": {}}
    return _create_customer_answer(fake, number)


def _create_customer_answer(fake: AuthorizeNetFake, number: str | None, **message: Any) -> Response:
    return fake.answer(
        "createCustomerProfileResponse",
        [
            ("customerProfileId", number) if number else None,
            ("customerPaymentProfileIdList", []),
            ("customerShippingAddressIdList", []),
            ("validationDirectResponseList", []),
        ],
        **message,
    )


def get_customer(fake: AuthorizeNetFake, account: Account, root: etree._Element) -> Response:
    if not account.profiles_on:
        return fake.error("E00044", "Customer Information Manager is not enabled.", "getCustomerProfileResponse")
    number, name = root.findtext("customerProfileId"), root.findtext("merchantCustomerId")
    for each, profile in account.profiles.items():
        if each == number or (name and profile["name"] == name):
            unmask = root.findtext("unmaskExpirationDate") == "true"
            cards = [("paymentProfiles", _card(token, card, unmask)) for token, card in profile["cards"].items()]
            told = [("merchantCustomerId", profile["name"]), ("customerProfileId", each), *cards]
            return fake.answer("getCustomerProfileResponse", [("profile", told)])
    return fake.error(*NOT_FOUND, "getCustomerProfileResponse")


def get_card(fake: AuthorizeNetFake, account: Account, root: etree._Element) -> Response:
    customer, token = root.findtext("customerProfileId") or "", root.findtext("customerPaymentProfileId") or ""
    number = account.profiles.get(customer, {"cards": {}})["cards"].get(token)
    if number is None:
        return fake.error(*NOT_FOUND, "getCustomerPaymentProfileResponse")
    unmask = root.findtext("unmaskExpirationDate") == "true"
    told = [("customerProfileId", customer), *_card(token, number, unmask)]
    return fake.answer("getCustomerPaymentProfileResponse", [("paymentProfile", told)])


def delete_card(fake: AuthorizeNetFake, account: Account, root: etree._Element) -> Response:
    cards = account.profiles.get(root.findtext("customerProfileId") or "", {"cards": {}})["cards"]
    if cards.pop(root.findtext("customerPaymentProfileId") or "", None) is None:
        return fake.error(*NOT_FOUND, "deleteCustomerPaymentProfileResponse")
    return fake.answer("deleteCustomerPaymentProfileResponse", [])


def hosted_page(fake: AuthorizeNetFake, account: Account, root: etree._Element) -> Response:
    charge = root.find("transactionRequest")
    assert charge is not None
    customer = charge.findtext("profile/customerProfileId") or ""
    if customer and customer not in account.profiles:
        return fake.error(*NOT_FOUND)
    settings = {
        each.findtext("settingName") or "": json.loads(each.findtext("settingValue") or "{}")
        for each in root.findall("hostedPaymentSettings/setting")
    }
    token = f"{fake.number()}/token+{fake.number()}=="
    fake.pages[token] = Page(
        account, charge.findtext("order/invoiceNumber") or "", root.findtext("refId") or "",
        Decimal(charge.findtext("amount") or "0"), customer, settings,
        {
            each.findtext("settingName") or "": each.findtext("settingValue") or ""
            for each in charge.findall("transactionSettings/setting")
        },
        fake.now() + PAGE_VALID,
    )  # fmt: skip
    return fake.answer("getHostedPaymentPageResponse", [("token", token)], ref_id=root.findtext("refId") or "")


def unsettled(fake: AuthorizeNetFake, account: Account, root: etree._Element) -> Response:
    rows = [each for each in account.transactions.values() if not each.batch]
    return _listed(fake, account, "getUnsettledTransactionListResponse", rows, root)


def of_batch(fake: AuthorizeNetFake, account: Account, root: etree._Element) -> Response:
    rows = [each for each in account.transactions.values() if each.batch == root.findtext("batchId")]
    return _listed(fake, account, "getTransactionListResponse", rows, root)


def of_customer(fake: AuthorizeNetFake, account: Account, root: etree._Element) -> Response:
    customer = root.findtext("customerProfileId")
    rows = [each for each in account.transactions.values() if each.customer == customer]
    return _listed(fake, account, "getTransactionListResponse", rows, root)


def batches(fake: AuthorizeNetFake, account: Account, root: etree._Element) -> Response:
    if not account.reporting:
        return fake.error(*REPORTING_OFF, "getSettledBatchListResponse")
    first, last = (datetime.fromisoformat(root.findtext(f"{end}SettlementDate") or "") for end in ("first", "last"))
    if (last - first).days >= 31:
        return fake.error("E00055", "The range may not be longer than 31 days.", "getSettledBatchListResponse")
    rows = [
        (
            "batch",
            [
                ("batchId", number),
                ("settlementTimeUTC", _time(at)),
                ("settlementState", "settledSuccessfully"),
                _sums(account, number) if root.findtext("includeStatistics") == "true" else None,
            ],
        )
        for number, at in account.batches.items()
        if first <= at <= last
    ]
    return fake.answer("getSettledBatchListResponse", [("batchList", rows)] if rows else [])


def _sums(account: Account, number: str) -> Any:
    """What was taken and given back in a batch, as one kind of card."""
    rows = [each for each in account.transactions.values() if each.batch == number]
    taken = sum(
        (each.amount for each in rows if each.status == "settledSuccessfully"), account.off_by.get(number, 0)
    )
    given = sum(each.amount for each in rows if each.status == "refundSettledSuccessfully")
    counts = [(f"{each}Count", "0") for each in ("void", "decline", "error")]
    sums = [
        ("accountType", "Visa"), ("chargeAmount", f"{taken:.2f}"), ("chargeCount", "1"),
        ("refundAmount", f"{given:.2f}"), ("refundCount", "0"), *counts,
    ]  # fmt: skip
    return ("statistics", [("statistic", sums)])


def details(fake: AuthorizeNetFake, account: Account, root: etree._Element) -> Response:
    if not account.reporting:
        return fake.error(*REPORTING_OFF, "getTransactionDetailsResponse")
    found = account.transactions.get(root.findtext("transId") or "")
    if found is None:
        return fake.error(*NOT_FOUND)
    told = [
        ("transId", found.id),
        ("refTransId", found.parent) if found.parent else None,
        ("submitTimeUTC", _time(found.at)),
        ("submitTimeLocal", _time(found.at)),
        ("transactionType", found.kind),
        ("transactionStatus", found.status),
        ("responseCode", "1" if found.reason == 1 else "2"),
        ("responseReasonCode", str(found.reason)),
        ("responseReasonDescription", "Approval" if found.reason == 1 else REASONS.get(found.reason, "Declined")),
        ("FDSFilterAction", "holdForReview") if found.held else None,
        ("order", [("invoiceNumber", found.invoice)]) if found.invoice else None,
        ("authAmount", f"{found.amount:.2f}"),
        ("settleAmount", "0.00" if found.status == "voided" else f"{found.amount:.2f}"),
        ("payment", [("creditCard", _masked(found.number, unmask=False))]),
        _profile(found),
    ]
    children = [("transaction", told), ("transrefId", found.ref_id) if found.ref_id else None]
    return fake.answer("getTransactionDetailsResponse", children)


def create_transaction(fake: AuthorizeNetFake, account: Account, root: etree._Element) -> Response:
    asked = root.find("transactionRequest")
    assert asked is not None
    act = {"voidTransaction": _void, "refundTransaction": _refund}[asked.findtext("transactionType") or ""]
    made, reason = act(fake, account, asked, root.findtext("refId") or "")
    told: list[Any] = [
        ("responseCode", "1" if made else "3"),
        ("transId", made.id if made else "0"),
        ("accountNumber", f"XXXX{made.last4}") if made else None,
        ("messages", [("message", [("code", str(reason)), ("description", "Approved.")])]) if made else None,
        None if made else ("errors", [("error", [("errorCode", str(reason)), ("errorText", REASONS[reason])])]),
    ]
    message = {} if made else {"code": "E00027", "text": "The transaction was unsuccessful.", "result": "Error"}
    return fake.answer("createTransactionResponse", [("transactionResponse", told)], **message)


def _void(
    fake: AuthorizeNetFake, account: Account, asked: etree._Element, ref_id: str
) -> tuple[Transaction | None, int]:
    found = account.transactions.get(asked.findtext("refTransId") or "")
    if found is None or found.batch:
        return None, 16
    if found.status == "voided":
        return found, 310  # "has already been voided": approved all the same
    found.status = "voided"
    fake.notify(account, "void", found)
    return found, 1


def _refund(
    fake: AuthorizeNetFake, account: Account, asked: etree._Element, ref_id: str
) -> tuple[Transaction | None, int]:
    charge = account.transactions.get(asked.findtext("refTransId") or "")
    if charge is None:
        return None, 16
    last4 = asked.findtext("payment/creditCard/cardNumber") or ""
    if charge.status != "settledSuccessfully" or last4 != charge.last4:
        return None, 54
    amount = Decimal(asked.findtext("amount") or "0")
    window = {
        each.findtext("settingName"): each.findtext("settingValue")
        for each in asked.findall("transactionSettings/setting")
    }.get("duplicateWindow")
    made = Transaction(
        "0", "refundTransaction", "refundPendingSettlement", amount, charge.number, fake.now(),
        asked.findtext("order/invoiceNumber") or "", ref_id, parent=charge.id,
    )  # fmt: skip
    if fake.is_duplicate(account, int(window or 120), made):
        return None, 11
    if refunded(account, charge) + amount > charge.amount:
        return None, 55
    made.id = fake.number()
    account.transactions[made.id] = made
    fake.notify(account, "refund", made)
    return made, 1


def refunded(account: Account, charge: Transaction) -> Decimal:
    ok = ("refundPendingSettlement", "refundSettledSuccessfully")
    given = (
        each.amount for each in account.transactions.values() if each.parent == charge.id and each.status in ok
    )
    return sum(given, Decimal())


def _listed(
    fake: AuthorizeNetFake, account: Account, name: str, rows: Iterable[Transaction], root: etree._Element
) -> Response:
    if not account.reporting:
        return fake.error(*REPORTING_OFF, name)
    ordered = sorted(rows, key=lambda each: (each.at, each.id), reverse=True)
    size, number = int(root.findtext("paging/limit") or 1000), int(root.findtext("paging/offset") or 1)
    shown = ordered[size * (number - 1) : size * number]
    told = [
        (
            "transaction",
            [
                ("transId", each.id),
                ("submitTimeUTC", _time(each.at)),
                ("submitTimeLocal", _time(each.at)),
                ("transactionStatus", each.status),
                ("invoiceNumber", each.invoice) if each.invoice else None,
                ("accountType", brand_of(each.number)),
                ("accountNumber", f"XXXX{each.last4}"),
                ("settleAmount", "0.00" if each.status == "voided" else f"{each.amount:.2f}"),
                _profile(each),
            ],
        )
        for each in shown
    ]
    children = [("transactions", told) if told else None, ("totalNumInResultSet", str(len(told)))]
    return fake.answer(name, children)


def _profile(found: Transaction) -> Any:
    if not found.customer:
        return None
    card = ("customerPaymentProfileId", found.payment_profile) if found.payment_profile else None
    return ("profile", [("customerProfileId", found.customer), card])


def _card(token: str, number: str, unmask: bool) -> list[Any]:
    return [
        ("customerPaymentProfileId", token),
        ("payment", [("creditCard", _masked(number, unmask=unmask))]),
    ]


def _masked(number: str, *, unmask: bool) -> list[Any]:
    return [
        ("cardNumber", f"XXXX{number[-4:]}"),
        ("expirationDate", "2040-12" if unmask else "XXXX"),
        ("cardType", brand_of(number)),
    ]


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


CALLS_BY_NAME: dict[str, Callable[[AuthorizeNetFake, Account, etree._Element], Response]] = {
    "getMerchantDetailsRequest": merchant_details,
    "createCustomerProfileRequest": create_customer,
    "getCustomerProfileRequest": get_customer,
    "getCustomerPaymentProfileRequest": get_card,
    "deleteCustomerPaymentProfileRequest": delete_card,
    "getHostedPaymentPageRequest": hosted_page,
    "getUnsettledTransactionListRequest": unsettled,
    "getTransactionListRequest": of_batch,
    "getTransactionListForCustomerRequest": of_customer,
    "getSettledBatchListRequest": batches,
    "getTransactionDetailsRequest": details,
    "createTransactionRequest": create_transaction,
}
