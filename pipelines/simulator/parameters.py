"""The knobs of the simulator: one frozen dataclass.

Here: rates that somebody may want to change, those of the traps above all (0 switches a trap off).
Not here: the layout of the made-up shop (``shop``), which stays the same for every simulation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SimulationParameters:
    """How the shop is visited, how it sells, and what goes wrong in its logs.

    Rates are shares from 0 to 1 of what their name says. The traps are what a tracking log does to those
    who trust it; each can be switched off by itself.
    """

    products: int = 600
    visits_per_device_day: float = 0.6
    max_steps: int = 60

    # Who: a share of the devices is a second device of another's owner, or has two users
    second_device_rate: float = 0.15
    shared_device_rate: float = 0.05
    guest_rate: float = 0.2
    deep_link_rate: float = 0.12

    # Traps of the log
    late_login_rate: float = 0.25
    never_login_rate: float = 0.12
    offline_visit_rate: float = 0.005
    """Visits whose records are sent about a day later."""
    duplicate_rate: float = 0.003
    broken_line_rate: float = 0.0001
    """Broken lines (NDJSON only), in relation to the good ones; they come on top of those."""
    wrong_clock_rate: float = 0.08
    """Devices whose clock is minutes or hours off; every clock is seconds off."""
    epoch_clock_rate: float = 0.002
    """Devices whose clock started in 1970."""

    # Sales
    cart_scale: float = 1.0
    """Multiplies every chance of an add-to-cart."""
    buy_rate: float = 0.5
    """Visits with a cart that are followed by an order."""
    buy_now_rate: float = 0.006
    """Visits without a cart that are followed by an order of a product that was clicked."""
    no_cart_rate: float = 0.04
    """Orders that no visit explains, in relation to the others."""
    unpaid_rate: float = 0.08
    refunded_order_rate: float = 0.03
    refunded_line_rate: float = 0.03
    unknown_cost_rate: float = 0.03
