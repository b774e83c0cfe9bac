"""Clients with a quota, and what is seen of them from outside: in their ledger, and by NVML."""

import sys
from pathlib import Path
from typing import NamedTuple, Optional

from . import child, ledger
from .talk import Silent, Talk

MIB = 1 << 20
CARD = Path(__file__).with_name("card.py")
# For an answer; for a framework's start, which may read gigabytes.
SECONDS, START_SECONDS = 60, 120


class Sizes(NamedTuple):
    limit: int
    # Pieces are taken in these, and in halves of them down to the least.
    step: int
    least: int
    # A quota may be called full with less than this left: it is how pools grow.
    room: int
    # What the driver may take for itself, after its first context, without a ledger saying so.
    untracked: int


def sizes(dry):
    if dry:
        return Sizes(128 * MIB, 8 * MIB, 2 * MIB, 32 * MIB, 0)
    return Sizes(2048 * MIB, 64 * MIB, 2 * MIB, 64 * MIB, 64 * MIB)


class Moment(NamedTuple):
    """What is seen at one moment at which the client waits."""

    held: int
    views: dict
    ledger: Optional[ledger.Device]
    # What NVML says the process holds, and whether it knows that by its pid.
    card: Optional[int]
    by_pid: bool


class Bench:
    """One card, and clients whose ledgers are in one folder. All of it ends with the block."""

    def __init__(self, setting, folder, variables=None):
        self.setting, self.folder, self.sizes = setting, folder, sizes(setting.dry)
        self.talks, self.variables = [], variables or {}
        (folder / "clients").mkdir()
        self.nvml = self.start([sys.executable, "-B", CARD], setting.environment(folder, False), "nvml")
        try:
            self.idle = {uuid: card["used"] for uuid, card in self.cards().items()}
        except Silent:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for talk in self.talks:
            talk.__exit__()

    def start(self, command, environment, name):
        talk = Talk(command, environment, self.folder, name)
        self.talks.append(talk)
        return talk

    def cards(self):
        return self.nvml.ask("look", SECONDS)

    def environment(self, client, more=None):
        found = self.setting.environment(self.folder, True)
        found.pop("CUOTA_TALLY")
        # One card is enough, and is then every client's first.
        found["CUDA_VISIBLE_DEVICES"] = found.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
        found.update(CUOTA_VRAM=str(self.sizes.limit), CUOTA_CLIENT=client, CUOTA_DIR=str(self.folder / "clients"))
        found.update(self.variables)
        found.update(more or {})
        return found

    def client(self, client, command, more=None):
        """A process of that client, once it has its context."""
        name = "{}-{}".format(client, len(self.talks))
        talk = self.start(command, self.environment(client, more), name)
        talk.answer(START_SECONDS)
        return talk

    def member(self, client, way, more=None):
        programs = self.setting.programs
        return self.client(client, [programs / "member", way, programs / "kernels.ptx"], more)

    def fill(self, talk, least=None):
        """Takes until the least is refused, or it has half as much again as it may have."""
        sizes = self.sizes
        words = ("fill", sizes.step, least or sizes.least, sizes.limit * 3 // 2)
        return talk.ask(" ".join(map(str, words)), SECONDS)

    def ledger(self, client):
        """The one device of the client's ledger; None if there is none."""
        try:
            return next(iter(ledger.read(self.folder / "clients", client).values()), None)
        except (OSError, ValueError):
            return None

    def moment(self, talk, client):
        answer = talk.ask("view", SECONDS)
        account, cards = self.ledger(client), self.cards()
        uuid = account.uuid if account else next(iter(cards), None)
        card = cards.get(uuid)
        listed = card["processes"].get(str(talk.pid)) if card else None
        # In a container NVML's pids are another namespace's; then it is the card's growth.
        grown = card["used"] - self.idle.get(uuid, 0) if card else None
        held = grown if listed is None else listed
        return Moment(answer["held"], answer["views"], account, held, listed is not None)

    def from_beside(self, client, uuid, smi):
        """What NVML, and nvidia-smi where it is wanted and there, say under the client's preload."""
        environment = self.environment(client)
        with Talk([sys.executable, "-B", CARD], environment, self.folder, "beside") as talk:
            shown = talk.ask("look", SECONDS).get(uuid, {"views": {}})["views"]
        if not smi:
            return shown
        command = ["nvidia-smi", "--query-gpu=memory.total,memory.used", "--format=csv,noheader,nounits"]
        ended = child.run(command + ["--id=GPU-" + uuid], environment, self.folder, SECONDS)
        words = [word.strip() for word in ended.out.split(",")]
        if ended.code == 0 and all(word.isdigit() for word in words):
            total, used = (int(word) * MIB for word in words)
            shown["nvidia-smi"] = {"total": total, "used": used, "within": MIB}
        return shown
