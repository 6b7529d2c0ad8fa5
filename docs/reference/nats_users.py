"""deploy/nats-users.conf: the services' users at a NATS server that is not ours."""

import json

from vidmesh_runtime.grants import STAGES, grants

HEAD = """\
# Each service's user at NATS, by its name, with what it may say and hear: made by `make docs` from
# runtime/vidmesh_runtime/grants.py. The passwords are variables of the environment, in quotes: a bare one that begins
# with a figure would be read as a number.
"""


def nats_users() -> str:
    """The file's text, in the language of NATS' configuration."""
    users = [
        f"  {{\n    user: {service}\n    password: ${service.upper()}_PASSWORD\n    permissions: {_indented(service)}\n  }}"
        for service in STAGES
    ]
    return HEAD + "authorization: {users: [\n" + "\n".join(users) + "\n]}\n"


def _indented(service: str) -> str:
    return json.dumps(grants(service), indent=2).replace("\n", "\n    ")
