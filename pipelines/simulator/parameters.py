"""The parameters of the simulator: a frozen dataclass, and the traps, which are named sets of parameters.

Here: rates that somebody may want to change, and the rates of each trap.
Not here: the layout of the made-up shop (``shop``), which is the same in every simulation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pipelines.home.errors import HeadwaterError
from pipelines.simulator.channels import CHANNELS, Channel


@dataclass(frozen=True)
class SimulationParameters:
    """How the shop is visited, how it sells, and what goes wrong in its logs.

    A rate is the share, from 0 to 1, of the things that the text below it names. The defaults are the realistic mix;
    ``parameters_with(())`` sets all rates that belong to a trap (``TRAPS``) to 0.
    """

    products: int = 600
    variant_rate: float = 0.3
    """Products with two to four variants: pages show the product, orders name the variant, carts name either."""
    visits_per_device_day: float = 0.6
    max_steps: int = 60
    devices_per_block: int = 40_000
    """Devices simulated together. More devices need more memory; another number gives another log."""

    # How visitors come
    channels: tuple[Channel, ...] = CHANNELS
    channel_effects: bool = True
    """Whether channels have effects.

    If not, every visit would happen without its channel too, and none makes an order more likely.
    """
    without_channel: str | None = None
    """A channel to exclude: the simulation shows the same shop with this channel switched off."""

    experiment_days: int = 0
    """On this many of the last days an icon of the home page is an A/B test; see ``shop.EXPERIMENT``."""

    # Who is behind a device
    second_device_rate: float = 0.15
    """Devices that are the second device of their owner."""
    shared_device_rate: float = 0.05
    """Devices that two users share in turns."""
    guest_rate: float = 0.2
    """People without an account: they never log in and never buy."""
    never_login_rate: float = 0.12
    """Visits that begin without a log-in; in 80 % of those with an add-to-cart the visitor has to log in later."""
    late_login_rate: float = 0.25
    """Visits during which the visitor logs in."""
    deep_link_rate: float = 0.12
    """Visits that land on a campaign or product page from outside, without clicking an entrance."""
    bot_rate: float = 0.0005
    """Devices that are programs: many long visits, no log-in."""

    # What the SDK and the network do
    cloned_id_rate: float = 0.002
    """Devices that send the device_id of another device."""
    page_id_reset_rate: float = 0.002
    """Visits before which the app was reinstalled: PageIds start from 1 again."""
    seconds_off_rate: float = 0.3
    """Devices whose clock is up to 30 seconds fast or slow, which could also be explained by a slow request."""
    clock_error_seconds: float = 8.0
    """Standard deviation of the clock error of all other devices."""
    wrong_clock_rate: float = 0.08
    """Devices whose clock is wrong by minutes or hours."""
    clock_set_rate: float = 0.3
    """Share of those devices whose clock is corrected once, possibly during a visit."""
    epoch_clock_rate: float = 0.002
    """Devices whose clock started in 1970."""
    missing_time_rate: float = 0.02
    """Devices with an old SDK: their records have neither sent_time nor received_time."""
    offline_visit_rate: float = 0.005
    """Visits whose records are sent about a day later."""
    very_late_visit_rate: float = 0.0005
    """Visits whose records are sent about two weeks later."""
    slow_request_rate: float = 0.05
    """Requests received 5 to 40 seconds after they were sent, as happens with webviews."""
    duplicate_rate: float = 0.003
    """Records that are sent twice."""
    broken_line_rate: float = 0.0001
    """Number of broken lines (NDJSON only) per valid line; they are additional lines."""

    # Sales
    cart_scale: float = 1.0
    """Multiplies every chance of an add-to-cart."""
    buy_rate: float = 0.5
    """Visits with a cart that are followed by an order, before the effects of channels."""
    buy_now_rate: float = 0.006
    """Visits without a cart that are followed by an order of a clicked product."""
    no_cart_rate: float = 0.04
    """Number of orders that no visit led to, per other order."""
    gift_rate: float = 0.10
    """Orders to which the shop adds a gift, a line at price 0."""
    add_on_rate: float = 0.12
    """Orders with an article that is only offered at the checkout."""
    bundle_rate: float = 0.22
    """Number of orders of a bundle, whose sku no page shows, per other order."""
    unknown_sku_rate: float = 0.08
    """Order lines whose product id occurs neither in events nor in the catalogue."""
    corrected_line_rate: float = 0.02
    """Order lines that are exported with errors first and corrected within a day."""
    foreign_currency_rate: float = 0.0
    """Orders in a foreign currency: the home needs exchange rates, which the simulation writes."""
    unpaid_rate: float = 0.08
    refunded_order_rate: float = 0.03
    refunded_line_rate: float = 0.03
    unknown_cost_rate: float = 0.03


@dataclass(frozen=True)
class Trap:
    """A way in which a log can mislead those who analyse it.

    *rates* names its parameters; if all are 0 the trap is off. If it is on they have the defaults of
    SimulationParameters, or the values of *opt_in* if the trap is not in the realistic mix.
    """

    description: str
    rates: tuple[str, ...]
    opt_in: Mapping[str, float] = field(default_factory=dict)


TRAPS: Mapping[str, Trap] = {
    "second_devices": Trap("some people use two devices", ("second_device_rate",)),
    "shared_devices": Trap("two people take turns with one device", ("shared_device_rate",)),
    "anonymous_visits": Trap("visitors who do not log in, some of whom buy", ("guest_rate", "never_login_rate")),
    "late_logins": Trap("visitors who log in within a visit", ("late_login_rate",)),
    "deep_links": Trap("visits that land on a page from outside, not by an entrance", ("deep_link_rate",)),
    "bots": Trap("programs: very many page views, no sale", ("bot_rate",)),
    "cloned_ids": Trap("two devices with one device_id", ("cloned_id_rate",)),
    "page_id_resets": Trap("reinstalled apps: PageIds start from 1 again", ("page_id_reset_rate",)),
    "wrong_clocks": Trap(
        "device clocks wrong by seconds to hours; some are corrected one day",
        ("clock_error_seconds", "wrong_clock_rate", "clock_set_rate"),
    ),
    "seconds_off": Trap("device clocks up to 30 seconds fast or slow", ("seconds_off_rate",)),
    "slow_requests": Trap("requests that take 5 to 40 seconds, as in webviews", ("slow_request_rate",)),
    "epoch_clocks": Trap("device clocks that show 1970", ("epoch_clock_rate",)),
    "missing_times": Trap("records without sent_time and received_time", ("missing_time_rate",)),
    "late_records": Trap("visits sent a day or two weeks later", ("offline_visit_rate", "very_late_visit_rate")),
    "duplicates": Trap("records sent twice", ("duplicate_rate",)),
    "broken_lines": Trap("lines truncated or without a required field (NDJSON only)", ("broken_line_rate",)),
    "orders_without_cart": Trap("orders of clicked products, and by telephone", ("buy_now_rate", "no_cart_rate")),
    "sales_without_events": Trap(
        "gifts, checkout add-ons, bundles and unknown ids: order lines whose sku has no event",
        ("gift_rate", "add_on_rate", "bundle_rate", "unknown_sku_rate"),
    ),
    "corrected_lines": Trap("order lines with a newer, corrected version", ("corrected_line_rate",)),
    "foreign_currency": Trap(
        "orders in foreign currencies; off by default, since they need the fx.csv written beside the truth",
        ("foreign_currency_rate",),
        {"foreign_currency_rate": 0.05},
    ),
}
"""The traps by name."""


def parameters_with(traps: Iterable[str], base: SimulationParameters | None = None) -> SimulationParameters:
    """*base* (default: the realistic mix) with the named traps on and all others off.

    Raises:
        HeadwaterError: a name is not a trap.
    """
    base = base or SimulationParameters()
    rates: dict[str, Any] = {rate: 0.0 for trap in TRAPS.values() for rate in trap.rates}
    for name in traps:
        if name not in TRAPS:
            raise HeadwaterError(f"simulate: unknown trap '{name}', expected one of {', '.join(TRAPS)}")
        rates |= {rate: TRAPS[name].opt_in.get(rate, getattr(base, rate)) for rate in TRAPS[name].rates}
    return replace(base, **rates)
