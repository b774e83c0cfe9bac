"""What the clients of the frameworks share: they take commands like member/main.c and answer alike."""

import json
import sys


class Client:
    """A framework: how it takes memory, gives it back, says no, and what it says of the card."""

    # What is raised when there is no room, and nothing else.
    refusal = MemoryError

    def take(self, size):
        """What holds that many bytes from now on."""
        raise NotImplementedError

    def is_refusal(self, error):
        return isinstance(error, self.refusal)

    def name_of(self, error):
        return "{}.{}".format(type(error).__module__, type(error).__qualname__)

    def settle(self):
        """Everything was given back: lets go of what is kept for later."""

    def views(self):
        """Name → total, and free or used."""
        return {}

    def serve(self):
        self.pieces = []
        self.answer()
        for line in sys.stdin:
            word, *numbers = line.split()
            getattr(self, "do_" + word)(*map(int, numbers))

    def answer(self, **more):
        print(json.dumps(dict(more, held=sum(size for size, _ in self.pieces))), flush=True)

    def refused(self, size):
        """The name of the refusal, or None."""
        try:
            self.pieces.append((size, self.take(size)))
        except Exception as error:
            if not self.is_refusal(error):
                raise
            return self.name_of(error)
        return None

    def do_fill(self, step, least, most):
        while sum(size for size, _ in self.pieces) <= most:
            why = self.refused(step)
            if why:
                step //= 2
                if step < least:
                    return self.answer(refused=why)
        return self.answer()

    def do_give(self):
        self.pieces.clear()
        self.settle()
        self.answer()

    def do_view(self):
        self.answer(views=self.views())
