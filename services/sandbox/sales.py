"""What follows a booked meeting in the CRM: appointment, opportunity, won or lost, order. Only if the contact is there.

Whether a contact exists is asked at the moment of each event, so a contact that is deleted ends the story.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.sandbox.clock import Clock, iso
from services.sandbox.draws import digest, uniform
from services.sandbox.ghl import Contacts, app_event
from services.sandbox.plan import Plan
from services.sandbox.traits import traits
from services.sandbox.webhooks import Courier
from services.sandbox.world import Person

PIPELINE = "pipeSANDBOX00000001"
CALENDAR = "calSANDBOX000000001"
PLANS = [("one_time", "Dental growth audit", 900), ("recurring", "Dental growth plan", 299)]


@dataclass
class Sales:
    """Turns a booked meeting into CRM events."""

    plan: Plan
    clock: Clock
    contacts: Contacts
    courier: Courier

    def meeting(self, person: Person, email: str, at: datetime) -> None:
        """The appointment and what comes of it. Nothing when the CRM does not know the person at this moment."""
        contact = self._contact(person, email)
        if contact is None:
            return
        key = f"{contact['id']} {iso(at)}"
        starts = (at + timedelta(days=1 + int(4 * self._draw(key, "slot")))).replace(minute=0, second=0, microsecond=0)
        appointment = self._appointment(contact, key, at, starts)
        opportunity = self._opportunity(contact, person, key, at)
        self._tell(person, email, "AppointmentCreate", key, at, {"appointment": appointment})
        self._later(person, email, "OpportunityCreate", key, at + timedelta(minutes=10), lambda _: opportunity)
        showed = self._draw(key, "showed") < 0.85
        ended = starts + timedelta(hours=1)
        status = "showed" if showed else "noshow"
        self._later(
            person,
            email,
            "AppointmentUpdate",
            key,
            ended,
            lambda moment: {"appointment": {**appointment, "appointmentStatus": status, "dateUpdated": iso(moment)}},
        )
        won = showed and self._draw(key, "won") < win_chance(person, self.plan.seed)
        decided = ended + timedelta(hours=2 + 24 * 9 * self._draw(key, "decided"))
        closed = {"status": "won" if won else "lost", "pipelineStageId": "stage-closed"}
        self._later(person, email, "OpportunityStatusUpdate", key, decided, lambda _: {**opportunity, **closed})
        if won:
            paid = decided + timedelta(hours=0.5 + 20 * self._draw(key, "paid"))
            self._later(person, email, "OrderCreate", key, paid, lambda moment: self._order(contact, key, moment))

    def _later(self, person: Person, email: str, event: str, key: str, at: datetime, fields: Any) -> None:
        self.clock.schedule(
            at, f"{key} {event}", lambda moment: self._tell(person, email, event, key, moment, fields(moment))
        )

    def _tell(self, person: Person, email: str, event: str, key: str, at: datetime, fields: dict[str, Any]) -> None:
        if self._contact(person, email) is None:
            return
        self.courier.post_ghl(at, email, app_event(self.plan, event, key, at, fields))

    def _contact(self, person: Person, email: str) -> dict[str, Any] | None:
        phone = f"+1{person.phone}" if person.phone else None
        contact_id = self.contacts.find(email, None) or self.contacts.find(person.email, phone)
        return self.contacts.by_id.get(contact_id) if contact_id else None

    def _draw(self, key: str, label: str) -> float:
        return uniform(self.plan.seed, "sales", key, label)

    def _appointment(self, contact: dict[str, Any], key: str, at: datetime, starts: datetime) -> dict[str, Any]:
        return {
            "id": digest(self.plan.seed, "appointment", key)[:20],
            "title": f"Demo with {contact.get('name', 'contact')}",
            "calendarId": CALENDAR,
            "contactId": contact["id"],
            "appointmentStatus": "confirmed",
            "source": "booking_widget",
            "startTime": iso(starts),
            "endTime": iso(starts + timedelta(minutes=30)),
            "dateAdded": iso(at),
            "dateUpdated": iso(at),
        }

    def _opportunity(self, contact: dict[str, Any], person: Person, key: str, at: datetime) -> dict[str, Any]:
        return {
            "id": digest(self.plan.seed, "opportunity", key)[:20],
            "contactId": contact["id"],
            "name": f"{contact.get('companyName') or person.practice_name} - growth plan",
            "monetaryValue": self._offer(key)[2],
            "pipelineId": PIPELINE,
            "pipelineStageId": "stage-new",
            "source": "email",
            "status": "open",
            "dateAdded": iso(at + timedelta(minutes=10)),
        }

    def _offer(self, key: str) -> tuple[str, str, int]:
        return PLANS[self._draw(key, "offer") < 0.55]

    def _order(self, contact: dict[str, Any], key: str, at: datetime) -> dict[str, Any]:
        kind, name, amount = self._offer(key)
        price = {"_id": f"price-{kind}", "name": name, "type": kind, "currency": "USD", "amount": amount}
        product = {"_id": f"product-{kind}", "name": name}
        return {
            "_id": digest(self.plan.seed, "order", key)[:24],
            "altId": self.plan.ghl_location,
            "altType": "location",
            "contactId": contact["id"],
            "status": "completed",
            "fulfillmentStatus": "unfulfilled",
            "currency": "USD",
            "amount": amount,
            "liveMode": True,
            "contactSnapshot": {"id": contact["id"], "email": contact.get("email", "")},
            "items": [{"name": name, "qty": 1, "product": product, "price": price}],
            "amountSummary": {"subtotal": amount, "discount": 0, "tax": 0, "shipping": 0},
            "source": {"id": "funSANDBOX", "name": "Checkout", "type": "funnel", "subType": "order_form"},
            "createdAt": iso(at),
            "updatedAt": iso(at),
        }


def win_chance(person: Person, seed: int) -> float:
    """Chance that a meeting that took place is won."""
    return 0.1 + 0.5 / (1 + math.exp(-traits(person, seed).budget))
