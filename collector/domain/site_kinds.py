"""What a site is: the plans speak of community houses and of offices apart."""

from typing import Final, Literal

SiteKind = Literal["community_house", "office", "school", "health_station", "other"]
"""As the registry stores it; null where nobody said it."""

SITE_KINDS: Final[tuple[SiteKind, ...]] = (
    "community_house",
    "office",
    "school",
    "health_station",
    "other",
)
