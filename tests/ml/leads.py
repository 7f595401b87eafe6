"""Leads with known truth: what the models see, whether they answered, and the probability that they would."""

from __future__ import annotations

import numpy as np
import pandas as pd

CATEGORIES = {
    "specialty": (["General Practice", "Orthodontics", "Endodontics", "Pediatric"], [0.6, 0.2, 0.1, 0.1]),
    "state": (["TX", "CA", "NY", "FL"], [0.25, 0.25, 0.25, 0.25]),
    "credential": (["DDS", "DMD"], [0.6, 0.4]),
    "email_status": (["valid", "risky"], [0.8, 0.2]),
    "email_type": (["work", "personal"], [0.7, 0.3]),
    "phone_line_type": (["landline", "mobile", "nonFixedVoip"], [0.6, 0.2, 0.2]),
}


def leads(n: int, seed: int, signal: float = 1.0, base: float = 0.12) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Frame, answers and true probabilities of n leads; with signal 0 nothing in the frame says who answers."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({name: random.choice(values, n, p=p) for name, (values, p) in CATEGORIES.items()})
    frame["person_id"] = [f"p{i:06d}" for i in range(n)]
    frame["practice_size"] = random.geometric(0.4, n)
    frame["practice_organizations"] = random.integers(0, 3, n)
    frame["years_since_enumeration"] = random.uniform(0, 19, n)
    frame["taxonomy_count"] = random.integers(1, 4, n)
    frame["has_license"] = random.random(n) < 0.9
    frame["is_sole_proprietor"] = random.random(n) < 0.4
    frame["icp_score"] = random.uniform(0, 100, n)
    for name in ("emails_sent", "emails_opened", "emails_clicked", "emails_replied"):
        frame[name] = random.integers(0, 3, n)
    frame["sent_at"] = pd.Timestamp("2025-11-10T14:00Z") + pd.to_timedelta(np.arange(n) * 60, unit="s")
    pull = 0.04 * (frame["icp_score"] - 50) + 1.2 * (frame["specialty"] == "Orthodontics") - 0.4
    truth = 1 / (1 + np.exp(-(np.log(base / (1 - base)) + signal * pull.to_numpy(dtype=float))))
    return frame, random.random(n) < truth, truth
