"""torch_modules: what `jetwatch convert` is given in the tests; needs PyTorch."""

import collections
import resource
import threading

import torch
from torch import nn

Boxes = collections.namedtuple("Boxes", "logits boxes")


class Small(nn.Module):
    """Ten scores for a picture of any size; ``then`` makes what is returned of them."""

    def __init__(self, then=None):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 8, 3, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.full = nn.Linear(8, 10)
        self.then = then

    def forward(self, images):
        scores = self.full(self.norm(self.conv(images)).relu().mean((2, 3)))
        return self.then(scores) if self.then else scores


class Detector(nn.Module):
    """A head like YOLOv8's, (B, 84, 84) for 64x64 pictures: one person in the middle."""

    def __init__(self):
        super().__init__()
        rows = torch.zeros(1, 84, 84)
        rows[0, :4, 0] = torch.tensor([32.0, 32.0, 30.0, 20.0])
        rows[0, 4, 0] = 0.9
        self.register_buffer("rows", rows)

    def forward(self, images):
        return self.rows + images.mean((1, 2, 3)).reshape(-1, 1, 1) * 1e-3


class Writes(Small):
    """Writes on its own input."""

    def forward(self, images):
        return super().forward(images.mul_(2))


class Doubled(nn.Module):
    """Two convolutions whose biases are equal."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 3)
        nn.init.zeros_(self.one.bias)
        nn.init.zeros_(self.other.bias)

    def forward(self, images):
        return self.other(self.one(images)).mean((2, 3))


def small():
    return Small()


def detector():
    return Detector()


def needs_an_argument(path):
    return Small()


def leaves():
    raise SystemExit(3)


def no_module():
    return {"a": torch.zeros(1)}


def waits():
    print("building", flush=True)
    threading.Event().wait(60)
    return Small()


def on_a_full_disk():
    """No file of this process may grow beyond 512 bytes from here on."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
    return Small()
