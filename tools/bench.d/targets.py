"""What is to be reached, and what is: a ratio of two figures of one run, beside its target.

Everything here is computed from the documents that tools/bench writes as JSON, and can be again."""

from dataclasses import dataclass

OURS = "rowferry"
GROWTH = 1.05  # ten times the rows may take 10.5 times as long
MEMORY, MEMORY_EACH_WORKER = 64 << 20, 16 << 20


@dataclass
class Line:
    """`beside` names what `theirs` was measured of; where that is a limit, `theirs` is what is
    allowed. What is None was not measured."""
    what: str
    unit: str  # seconds or bytes
    ours: float | None
    beside: str
    theirs: float | None
    most: float  # of ours / theirs

    @property
    def ratio(self):
        return None if self.ours is None or not self.theirs else self.ours / self.theirs

    @property
    def met(self):
        return None if self.ratio is None else self.ratio <= self.most


class Figures:
    def __init__(self, part):
        self.part = part
        self.steps = {(step["step"], step["who"]): step for step in part["steps"]}

    def get(self, step, who=OURS, name="seconds"):
        found = self.steps.get((step, who))
        return found[name] if found else None

    def peak(self, *steps):
        """Of all steps whose name begins so."""
        return max((step["peak_bytes"] for (name, who), step in self.steps.items()
                    if who == OURS and name.startswith(steps)), default=None)


def comparison(part):
    """The lines of a run beside others."""
    figures = Figures(part)

    def against(what, step, most, other_step, who=OURS, beside=None):
        return Line(what, "seconds", figures.get(step), beside or who,
                    figures.get(other_step, who), most)

    lines = [
        against("capture, then first replay", "capture, then first replay", 0.40, "first replay",
                "pgloader"),
        against("first replay", "first replay", 1.15, "first replay", "ready-made binary files"),
        against("first `sync`", "sync, first", 0.90, "capture, then first replay",
                beside="capture, then replay"),
        against("first capture", "capture", 0.35, "capture", ".dump | zstd -3"),
        Line("bytes of the archives", "bytes", part["archives_bytes"] or None, ".dump | zstd -3",
             figures.get("capture", ".dump | zstd -3", "written_bytes"), 0.78),
        nothing_new(figures, against),
        Line("capture, file untouched", "seconds", figures.get("capture, file untouched"),
             "limit", 0.020, 1.0),
        against("capture, 1 % changed", "capture, 1 % changed", 0.25, "capture, 1 % changed",
                "sqldiff"),
        against("delta replay, 1 % changed", "delta replay", 1.0, "delta replay",
                "staged merge by hand"),
        against("`sync`, 1 % changed", "sync, 1 % changed", 0.05, "first replay", "pgloader",
                "pgloader, all anew"),
        against("verify with target", "verify with target", 1.0, "verify with target", "pg_dump"),
        against("verify of a repository", "verify repository", 1.2, "verify repository", "zstd -t"),
        against("`export` into `import`", "export, import", 1.25, "export, import",
                "cat, xxhsum"),
        against("restore", "restore", 1.0, "restore", "sqlite3 < dump.sql"),
        against("first replay of 100 deltas", "replay, chain of 100 deltas", 1.30,
                "replay, chain of 100 deltas", "one full snapshot"),
    ]
    return lines + memory(figures, part["jobs"]) + many_tables(figures)


def nothing_new(figures, against):
    step = "capture, nothing new"
    if figures.get(step, "sqlite3_rsync"):
        return against(step, step, 0.20, step, "sqlite3_rsync")
    return against(step, step, 4.0, step, "XXH3 of the file")


def memory(figures, jobs, where=""):
    limit = MEMORY + MEMORY_EACH_WORKER * jobs
    kinds = {"capture": ("capture", "many tables, capture", "many tables, nothing"),
             "replay": ("first replay", "delta replay", "sync", "replay", "many tables, replay"),
             "verify": ("verify",),
             "export and import": ("export, import",),
             "restore": ("restore",)}
    if where:
        kinds = {name: kinds[name] for name in ("capture", "replay", "verify")}
    return [Line(f"peak memory of {name}{where}", "bytes", figures.peak(*steps), "limit", limit, 1)
            for name, steps in kinds.items()]


def many_tables(figures):
    """Only for as many tables as the limits are meant for."""
    if figures.part["tables"] != 10_000:
        return []
    return [Line(f"10,000 tables of 10 rows, {name}", "seconds",
                 figures.get(f"many tables, {name}"), "limit", limit, 1.0)
            for name, limit in (("capture", 10.0), ("nothing new", 2.0), ("replay", 60.0))]


def growth(part):
    """The lines of a run at two scales: the larger is `theirs`' share of ten times the smaller."""
    small, large = Figures(part["small"]), Figures(part["large"])
    factor = part["large"]["scale"] / part["small"]["scale"]
    lines = [Line(step, "seconds", large.get(step), "small", seconds, GROWTH * factor)
             for (step, _), seconds in ((key, found["seconds"])
                                        for key, found in small.steps.items())]
    return lines + memory(large, part["jobs"], f", {factor:g} × the rows")


def summary(line):
    return {"what": line.what, "unit": line.unit, "ours": line.ours, "beside": line.beside,
            "theirs": line.theirs, "ratio": line.ratio, "most": line.most, "met": line.met}
