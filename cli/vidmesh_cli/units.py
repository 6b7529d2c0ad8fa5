"""Times, sizes and speeds as people read them."""

_KILO = 1000


def clock(seconds: float) -> str:
    """A place in a video: 62.4 is "1:02", 3723 "1:02:03"."""
    whole = max(0, int(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def span(seconds: float) -> str:
    """How long something takes: "0.8 s", "13 s", "2 min 5 s", "1 h 10 min"."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: float) -> str:
    """An amount of bytes: "812 B", "4.1 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < _KILO:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= _KILO
    return f"{count:.1f} TB"


def amount(done: float, total: float, unit: str) -> str:
    """How far something has come, in its unit: "1:02/2:48", "1.2/4.1 MB", "3/5 sections"; without a total, the first alone."""
    match unit:
        case "seconds":
            return f"{clock(done)}/{clock(total)}" if total else clock(done)
        case "bytes":
            whole = size(total)
            return f"{done / total * float(whole.split()[0]):.1f}/{whole}" if total else size(done)
        case _:
            return f"{done:.0f}/{total:.0f} {unit}".rstrip() if total else counted(round(done), unit)


def counted(count: int, unit: str) -> str:
    """A number of things by their plural: "1 section", "3 sections"."""
    return f"{count} {unit.removesuffix('s') if count == 1 else unit}".rstrip()


def speed(rate: float, unit: str) -> str:
    """How fast: "8.3x" of real time, "2.1 MB/s", "0.4 sections/s"; empty where nothing is known."""
    if rate <= 0:
        return ""
    match unit:
        case "seconds":
            return f"{rate:.0f}x" if rate >= 100 else f"{rate:.1f}x"
        case "bytes":
            return f"{size(rate)}/s"
        case _:
            return f"{rate:.1f} {unit}/s"
