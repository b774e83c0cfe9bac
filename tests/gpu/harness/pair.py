"""Two processes of one client share one quota."""

from .fill import mib
from .quota import SECONDS, Bench
from .setting import scratch


def observe(setting, variables=None, apart=False):
    """Figures, and what is wrong. `apart` makes them two clients. Raises Silent."""
    with scratch() as folder, Bench(setting, folder, variables) as bench:
        one, two = (bench.member(name, "malloc") for name in ("pair", "other" if apart else "pair"))
        first = one.ask("take {}".format(bench.sizes.limit // 4), SECONDS)["held"]
        filled = bench.fill(two)
        views = [talk.ask("view", SECONDS) for talk in (one, two)]
        full = bench.ledger("pair")
        more = one.ask("take {}".format(bench.sizes.step), SECONDS)
        one.ask("give", SECONDS)
        second = bench.fill(two)["held"]
        found = {"first": mib(first), "second": mib(filled["held"]), "second alone": mib(second)}
        return found, list(complaints(bench.sizes, first, filled, views, full, more, second))


def complaints(sizes, first, filled, views, full, more, second):
    limit = sizes.limit
    together = max(first + filled["held"], second)
    if together > limit:
        yield "{} bytes over the quota".format(together - limit)
    if "refused" not in filled or "refused" not in more:
        yield "it was never refused: together they hold {} MiB of a quota of {}".format(mib(together), mib(limit))
    if second < first + filled["held"]:
        yield "the one gave back {} bytes, and the other went from {} to {} only".format(
            first, filled["held"], second)
    if full is None:
        yield "they have no ledger"
        return
    if full.peak > limit:
        yield "the ledger's peak is {} bytes over the quota".format(full.peak - limit)
    if len(full.members) != 2 or full.used - full.untracked != first + filled["held"]:
        yield "they hold {} and {} bytes, the ledger says {}".format(first, filled["held"], full.members)
    for view in views:
        said = view["views"]["cuMemGetInfo"]
        if said != {"free": limit - full.used, "total": limit}:
            yield "cuMemGetInfo shows {}, and {} of {} are used".format(said, full.used, limit)
