"""Holds a request to the types of Stripe's own SDK, which are made from Stripe's API description.

Where a type says `Literal[...] | str`, because Stripe may add words, only the words count: we send known ones.
"""

from __future__ import annotations

import re
import types
import typing
from typing import Any

import typing_extensions
from stripe import params as P
from stripe.params import checkout

#: What the SDK takes beside the API's own parameters.
_OPTIONS = {
    "api_key", "content_type", "headers", "idempotency_key", "max_network_retries", "stripe_account",
    "stripe_context", "stripe_version",
}  # fmt: skip
#: Names that their types use without bringing them along.
_NAMES = {"StripeContext": str, "Mapping": dict}
_TYPES: list[tuple[str, str, Any]] = [
    ("GET", r"/v1/account", None),
    ("POST", r"/v1/customers", P.CustomerCreateParams),
    ("GET", r"/v1/payment_intents", P.PaymentIntentListParams),
    ("POST", r"/v1/payment_intents", P.PaymentIntentCreateParams),
    ("GET", r"/v1/payment_intents/\w+", P.PaymentIntentRetrieveParams),
    ("POST", r"/v1/payment_intents/\w+/confirm", P.PaymentIntentConfirmParams),
    ("POST", r"/v1/payment_intents/\w+/cancel", P.PaymentIntentCancelParams),
    ("GET", r"/v1/refunds", P.RefundListParams),
    ("POST", r"/v1/refunds", P.RefundCreateParams),
    ("GET", r"/v1/refunds/\w+", P.RefundRetrieveParams),
    ("GET", r"/v1/disputes", P.DisputeListParams),
    ("GET", r"/v1/payouts", P.PayoutListParams),
    ("GET", r"/v1/balance_transactions", P.BalanceTransactionListParams),
    ("GET", r"/v1/events", P.EventListParams),
    ("GET", r"/v1/payment_methods", P.PaymentMethodListParams),
    ("POST", r"/v1/payment_methods/\w+/detach", P.PaymentMethodDetachParams),
    ("GET", r"/v1/checkout/sessions", checkout.SessionListParams),
    ("POST", r"/v1/checkout/sessions", checkout.SessionCreateParams),
    ("GET", r"/v1/checkout/sessions/\w+", checkout.SessionRetrieveParams),
    ("POST", r"/v1/checkout/sessions/\w+/expire", checkout.SessionExpireParams),
]


def judge(method: str, path: str, sent: dict[str, Any]) -> list[str]:
    """What is wrong with this request; empty for a good one."""
    for each, pattern, wanted in _TYPES:
        if each == method and re.fullmatch(pattern, path):
            if wanted is None:
                return [f"{name}: takes no parameters" for name in sent]
            return list(_check(sent, wanted, path, options=_OPTIONS))
    return [f"{method} {path}: an address that is not known"]


def _check(value: Any, wanted: Any, where: str, options: set[str] | None = None) -> list[str]:
    origin = typing.get_origin(wanted)
    if typing_extensions.is_typeddict(wanted):
        return _check_dict(value, wanted, where, options or set())
    if origin in (typing.NotRequired, typing.Required):
        return _check(value, typing.get_args(wanted)[0], where)
    if origin in (typing.Union, types.UnionType):
        choices = typing.get_args(wanted)
        if any(typing.get_origin(each) is typing.Literal and "" not in typing.get_args(each) for each in choices):
            choices = tuple(each for each in choices if each is not str)
        found = [_check(value, each, where) for each in choices]
        return min(found, key=len) if found else []
    if origin in (list, typing.List):  # noqa: UP006
        if not isinstance(value, list):
            return [f"{where}: not a list"]
        return [fault for each in value for fault in _check(each, typing.get_args(wanted)[0], f"{where}[]")]
    if origin in (dict, typing.Dict):  # noqa: UP006
        return [] if isinstance(value, dict) and all(isinstance(each, str) for each in value.values()) else [
            f"{where}: not a map of texts"
        ]  # fmt: skip
    if origin is typing.Literal:
        return [] if value in typing.get_args(wanted) else [f"{where}: {value!r} is none of their words"]
    return _check_plain(value, wanted, where)


def _check_dict(value: Any, wanted: Any, where: str, options: set[str]) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: not an object"]
    hints = typing_extensions.get_type_hints(wanted, localns=_NAMES, include_extras=True)
    known = {name: hint for name, hint in hints.items() if name not in options}
    faults = [f"{where}.{name}: not known" for name in value if name not in known]
    faults += [f"{where}.{name}: missing" for name in _required(wanted, hints) if name not in value]
    for name, hint in known.items():
        if name in value:
            faults += _check(value[name], hint, f"{where}.{name}")
    return faults


def _required(wanted: Any, hints: dict[str, Any]) -> list[str]:
    return [
        name
        for name, hint in hints.items()
        if typing.get_origin(hint) is not typing.NotRequired and name in wanted.__required_keys__
    ]


def _check_plain(value: Any, wanted: Any, where: str) -> list[str]:
    """A form knows only texts: a number and a truth are read out of them."""
    if wanted is int:
        return [] if re.fullmatch(r"-?[0-9]+", str(value)) else [f"{where}: {value!r} is no whole number"]
    if wanted is bool:
        return [] if value in ("true", "false") else [f"{where}: {value!r} is neither true nor false"]
    if wanted is str:
        return [] if isinstance(value, str) else [f"{where}: not a text"]
    return [f"{where}: {value!r} is no {wanted}"]
