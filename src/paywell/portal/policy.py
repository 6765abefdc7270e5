"""The Content-Security-Policy of the pages that show a processor's fields or lead to its page."""

from __future__ import annotations

from django.http import HttpResponse

from paywell.processors.contract import Hosts


def allow_processor(response: HttpResponse, hosts: Hosts) -> HttpResponse:
    """Add exactly what this processor needs to the page's policy; the policy of all other pages stays."""
    if hosts.frame_src:
        # 'none' and a host can't stand together, so this directive is replaced.
        response._csp_replace = {"frame-src": list(hosts.frame_src)}  # type: ignore[attr-defined]
    added = {
        "script-src": hosts.script_src,
        "connect-src": hosts.connect_src,
        "style-src": hosts.style_src,
        "font-src": hosts.font_src,
        "img-src": hosts.img_src,
        "form-action": hosts.form_action,
    }
    response._csp_update = {  # type: ignore[attr-defined]
        directive: list(sources) for directive, sources in added.items() if sources
    }
    return response
