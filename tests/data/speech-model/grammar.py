"""The hundred-word language that the small Whisper understands."""

import random

# ruff: noqa: SIM905 -- words are easier to read without quotes

SUBJECTS = (
    "lions tigers bears horses monkeys pirates doctors farmers robots teachers painters sailors pilots bakers "
    "wizards dragons"
).split()
VERBS = "carried painted found sold lost counted washed borrowed repaired delivered buried measured".split()
NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred".split()
)
COLOURS = "red blue green yellow orange purple black white silver golden".split()
OBJECTS = (
    "boxes books apples bottles candles ladders mirrors umbrellas tables guitars carpets pumpkins violins "
    "blankets"
).split()
PLACES = "paris london tokyo egypt brazil canada iceland texas venice nairobi".split()
TIMES = (
    "monday tuesday wednesday thursday friday saturday sunday january april august october december".split()
)
WORDS = (*SUBJECTS, *VERBS, *NUMBERS, *COLOURS, *OBJECTS, *PLACES, *TIMES)


def sentence(rng: random.Random) -> str:
    """One sentence in lower case without its full stop; one in fourteen is a mere list of words."""
    subject, verb, number, colour, thing = map(rng.choice, (SUBJECTS, VERBS, NUMBERS, COLOURS, OBJECTS))
    told = f"the {subject} {verb} {number} {colour} {thing}"
    kind = rng.random()
    if kind < 0.45:
        return f"{told} in {rng.choice(PLACES)}"
    if kind < 0.75:
        return f"{told} on {rng.choice(TIMES)}"
    if kind < 0.88:
        return f"on {rng.choice(TIMES)} {told}"
    if kind < 0.93:
        return told
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(2, 6)))


def written(spoken: str) -> str:
    """The sentence as the model writes it: a capital, a full stop."""
    return f"{spoken[0].upper()}{spoken[1:]}."
