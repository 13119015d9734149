"""Rules that propose no loss and have something to say."""

from __future__ import annotations

from seglosses.advise.kinds import (
    ANISOTROPIC,
    FEW_IMAGES,
    LARGE_WIDTH,
    PINHOLES,
    SINGLE,
    SKEWED,
    SPECKLED,
    is_compact,
    is_thin,
    named,
    shown,
)
from seglosses.advise.profile import Profile
from seglosses.advise.terms import Verdict


def skewed(profile: Profile) -> Verdict:
    """Row "skewed" of the table."""
    shares = sorted(one.share for one in shown(profile))
    if len(shares) < 2:
        return Verdict(False, f"{len(shares)} foreground class{'es' * (not shares)} to compare")
    if shares[-1] < SKEWED * shares[0]:
        ratio = shares[-1] / shares[0]
        return Verdict(
            False, f"the largest foreground class has {ratio:.0f} times the pixels of the smallest"
        )
    ratio = shares[-1] / shares[0]
    return Verdict(
        True,
        f"the largest foreground class has {ratio:.0f} times the pixels of the smallest",
        note="Dice counts every class alike already. Where the smallest class is still not found"
        " after training, try LogitAdjustmentLoss in place of cross-entropy.",
    )


def speckled(profile: Profile) -> Verdict:
    """Row "speckled" of the table."""
    specks = [one.part("specks") for one in profile.classes]
    pinholes = [one.total("pinholes") / max(len(one.shown), 1) for one in profile.classes]
    noise = [max(a / SPECKLED, b / PINHOLES) for a, b in zip(specks, pinholes, strict=True)]
    if max(noise, default=0.0) < 1:
        return Verdict(
            False,
            f"{max(specks, default=0.0):.0%} of the components are single pixels,"
            f" {max(pinholes, default=0.0):.1f} pinholes per image",
        )
    place = noise.index(max(noise))
    worst = profile.classes[place]
    return Verdict(
        True,
        f"{named([worst], profile)}{specks[place]:.0%} of the components are single pixels,"
        f" {pinholes[place]:.1f} pinholes per image",
        note="Look at them first: topological losses count each speck as a component. If they are"
        " noise, clean the labels; if they cannot be cleaned, GeneralizedCrossEntropyLoss in place"
        " of cross-entropy gives wrong pixels less weight.",
    )


def smooth(profile: Profile) -> Verdict:
    """Row "large and smooth" of the table."""
    chosen = [
        one
        for one in shown(profile)
        if is_compact(one) and one.width() >= LARGE_WIDTH and one.median("components") <= SINGLE
    ]
    if not chosen:
        widest = max((one.width() for one in shown(profile)), default=0.0)
        return Verdict(
            False,
            f"no compact class of at most {SINGLE:g} components that is {LARGE_WIDTH:g} px wide"
            f" (widest: {widest:.0f} px)",
        )
    one = chosen[0]
    return Verdict(
        True,
        f"{named(chosen, profile)}large and compact, {one.width():.0f} px wide",
        note="CE + Dice suffice as a rule. If HD95 is your score, try LogHausdorffDTLoss with"
        " weight 0.1 from halfway on; whether it helps here the labels cannot say.",
    )


def uneven(profile: Profile) -> Verdict:
    """Row "uneven widths" of the table."""
    chosen = [one for one in shown(profile) if is_thin(one) and one.width(95) >= 4 * one.width()]
    if not chosen:
        ratios = [one.width(95) / one.width() for one in shown(profile) if is_thin(one)]
        if not ratios:
            return Verdict(False, "0 classes are thin")
        return Verdict(False, f"the widest 5 % are {max(ratios):.1f} times as wide as the median")
    one = chosen[0]
    return Verdict(
        True,
        f"{named(chosen, profile)}widths from {one.width():.0f} (median) to {one.width(95):.0f} px"
        " (95 %)",
        note="CenterlineBoundaryDiceLoss, which weighs lines by their width, may stand in place of"
        " clDice; in our trainings on bricks and photographs it changed no Betti error.",
    )


def anisotropic(profile: Profile) -> Verdict:
    """Row "anisotropic" of the table."""
    ratio = profile.anisotropy
    if profile.ndim == 2 or ratio < ANISOTROPIC:
        known = (
            "no spacing is stated" if profile.spacing is None else f"edges differ {ratio:.1f}-fold"
        )
        return Verdict(False, f"{profile.ndim}D, {known}; {ANISOTROPIC:g}-fold is much")
    return Verdict(
        True,
        f"the edges of voxels differ {ratio:.1f}-fold",
        note="Losses count voxels, not millimetres; Hausdorff losses take `spacing`, and are"
        " printed with it. Take a 2D network, or resample, where a structure is one or two slices"
        " thick. Widths above are in voxels.",
    )


def few(profile: Profile) -> Verdict:
    """Row "few images" of the table."""
    if profile.images >= FEW_IMAGES:
        return Verdict(False, f"{profile.images} label maps")
    return Verdict(
        True,
        f"{profile.images} label maps",
        note="So few images allow no statement about distributions: read every number here as a"
        " description of these images.",
    )
