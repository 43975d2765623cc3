"""The channels that bring visitors to the made-up shop: how their visits are marked, what they cost, what they cause.

Here: the channels of a simulation, as data: the true properties of each channel.
Not here: which visit comes by which channel, and what is lost without one (``marketing``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Channel:
    """A channel. *name* is the one that the shipped rules of ``config/channels.yaml`` find from its marks.

    Its share of the visits that channels bring is in proportion to *weight*; among first visits of a journey its weight
    is multiplied by *early*, among visits of people who have decided to buy by *decided*.

    What it causes: without the channel, the share *comes_anyway* of its visits would happen nevertheless. In the
    person's later visits the chance of an order is multiplied by 1 + the sum of the effects of all channels. Only the
    latest visit through a channel has its *effect*, which halves every *half_life* days. *lands_deep* says that its
    links lead to campaign and product pages, if the shop has deep links.

    *cost* is the average price of a visit in the shop's currency (0 = free, so without spend). The prices are such
    that, by last touch, ads return 1.5 to 8 times their cost, and email 20 to 40 times. *click_rate* is clicks ÷ views
    of the ad. *currency* is the currency of its bills, if they are in another one.
    """

    name: str
    weight: float
    early: float = 1.0
    decided: float = 1.0
    comes_anyway: float = 0.5
    effect: float = 0.0
    half_life: float = 5.0
    lands_deep: bool = True
    cost: float = 0.0
    click_rate: float = 0.01
    currency: str | None = None
    referrer: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    click_id: str | None = None


CHANNELS = (
    Channel("direct", 0.44, decided=2.0, comes_anyway=0.95, lands_deep=False),
    Channel(
        *("organic_search", 0.12),
        comes_anyway=0.6,
        effect=0.2,
        lands_deep=False,
        referrer="https://www.baidu.com/",
    ),
    # Ads for searches of the shop's own name: most of their visitors would have come anyway.
    Channel(
        *("paid_search", 0.09),
        decided=3.0,
        comes_anyway=0.92,
        cost=4.2,
        click_rate=0.06,
        referrer="https://www.baidu.com/",
        utm_source="baidu",
        utm_medium="cpc",
        utm_campaign="brand-words",
        click_id="bd_vid",
    ),
    # Ads that follow people who have seen a product.
    Channel(
        *("display", 0.06),
        decided=3.0,
        comes_anyway=0.85,
        cost=3.9,
        click_rate=0.004,
        utm_source="tanx",
        utm_medium="banner",
        utm_campaign="retargeting",
    ),
    Channel(
        *("paid_social", 0.05),
        early=3.0,
        decided=0.5,
        comes_anyway=0.15,
        effect=0.9,
        cost=8.0,
        click_rate=0.012,
        currency="USD",
        referrer="https://www.xiaohongshu.com/",
        utm_source="xiaohongshu",
        utm_medium="cpc",
        utm_campaign="seeding-notes",
    ),
    Channel(
        *("paid_video", 0.05),
        early=4.0,
        decided=0.4,
        comes_anyway=0.1,
        effect=1.4,
        half_life=7.0,
        cost=10.5,
        click_rate=0.02,
        utm_source="douyin",
        utm_medium="paid_video",
        utm_campaign="live-rooms",
    ),
    Channel(
        *("organic_social", 0.04),
        early=3.0,
        comes_anyway=0.3,
        effect=0.6,
        referrer="https://weibo.com/",
    ),
    Channel(
        *("push", 0.07),
        comes_anyway=0.6,
        effect=0.1,
        half_life=2.0,
        utm_source="app",
        utm_medium="push",
        utm_campaign="daily-deals",
    ),
    Channel(
        *("email", 0.04),
        comes_anyway=0.5,
        effect=0.3,
        half_life=3.0,
        cost=1.2,
        click_rate=0.03,
        utm_source="newsletter",
        utm_medium="email",
        utm_campaign="weekly",
    ),
    # Coupon sites: all their visitors would have come anyway.
    Channel(
        *("affiliate", 0.04),
        decided=1.5,
        comes_anyway=1.0,
        cost=4.4,
        click_rate=0.05,
        utm_source="coupons",
        utm_medium="affiliate",
        utm_campaign="cashback",
    ),
)
"""The channels of the shop. ``direct`` is first: it has the visits of bots, and those without a mark of a channel."""
