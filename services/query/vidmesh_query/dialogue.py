"""Follow-up questions: what to search for when a question leans on the ones before it."""

import re
from collections.abc import Sequence

from vidmesh_query.prompt import Turn
from vidmesh_query.terms import content, tokens

MOST_TURNS = 4
"""How many turns a model is shown."""
LONGEST_QUESTION = 400
"""Characters a rewritten question may have; a longer one is no question."""

_LEANS = frozenset(
    ("it", "its", "they", "them", "their", "he", "him", "his", "she", "her", "this", "those", "these")
)
_BEGINS_LEANING = re.compile(
    r"^(and|but|so|or|also|what about|how about|why|when|where|who)\b", re.IGNORECASE
)
_LABEL = re.compile(r"^\s*(?:q|question|rewritten question)\s*:\s*", re.IGNORECASE)


def leans(question: str) -> bool:
    """Whether `question` needs what was said before to be understood: it points back, or names next to nothing."""
    about = content(question)
    few = not about or (len(about) <= 2 and bool(_BEGINS_LEANING.match(question.strip())))
    return few or any(word in _LEANS for word in tokens(question))


def standalone(question: str, history: Sequence[Turn]) -> str:
    """What to search for, without a model: a question that leans takes along what the one before it was about."""
    if not history or not leans(question):
        return question
    own = set(content(question))
    before = history[-1].question
    about = [word for word in tokens(before) if content(word) and not own.issuperset(content(word))]
    return " ".join([question, *dict.fromkeys(about)])


def rewritten(reply: str, question: str) -> str:
    """A model's rewriting of `question`, where it is one; `question` where it is not."""
    lines = [line.strip() for line in reply.strip().splitlines() if line.strip()]
    text = _LABEL.sub("", lines[0]).strip("\"'“” ") if lines else ""
    return text if 0 < len(text) <= LONGEST_QUESTION else question
