"""Ask a vendor whether our connection to it works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from airflow.sdk import BaseOperator

# conn_id -> its hook. By name, because each is loaded only where its own connection is checked.
HOOKS = {
    "addy_default": "hooks.addy.AddyHook",
    "apollo_default": "hooks.apollo.ApolloHook",
    "clay_default": "hooks.clay.ClayHook",
    "ghl_default": "hooks.ghl.GhlHook",
    "google_ads_default": "hooks.google_ads.GoogleAdsHook",
    "instantly_default": "hooks.instantly.InstantlyHook",
    "leadfeeder_default": "hooks.leadfeeder.LeadfeederHook",
    "meta_ads_default": "hooks.meta_ads.MetaAdsHook",
    "nppes_default": "hooks.nppes.NppesHook",
    "pager_default": "hooks.pager.PagerHook",
    "ttd_default": "hooks.ttd.TtdHook",
    "twilio_default": "hooks.twilio.TwilioHook",
    "usps_default": "hooks.usps.UspsHook",
    "wiza_default": "hooks.wiza.WizaHook",
}


class ConnectionBroken(Exception):
    """A vendor does not answer us as it should; the message says why and what to do."""


class CheckConnectionOperator(BaseOperator):
    """Call ``test_connection`` of one vendor's hook, which costs nothing. Returns what the vendor said.

    Raises ConnectionBroken, naming the connection and what is wrong with it.

    :param conn_id: one of HOOKS.
    """

    template_fields: Sequence[str] = ("conn_id",)
    ui_color = "#fef7e0"

    def __init__(self, *, conn_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id

    def execute(self, context: Mapping[str, Any]) -> str:
        module, _, name = HOOKS[self.conn_id].rpartition(".")
        works, said = getattr(import_module(module), name)(self.conn_id).test_connection()
        if not works:
            raise ConnectionBroken(f"{self.conn_id}: {said}")
        self.log.info("%s: %s", self.conn_id, said)
        return str(said)
