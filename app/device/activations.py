"""activations: how large the values inside a network get while it looks at pictures."""

from typing import Any, Callable, Dict, Iterable, Iterator, Mapping, Sequence

import numpy as np

from app.device import modelfile, rewrite
from app.device.backend import Network
from app.device.host import HostBackend
from app.device.sizes import size_values
from app.errors import EngineError
from app.vision import histogram, letterbox
from app.vision.histogram import Histogram

Feed = Mapping[str, np.ndarray]  # input name -> array with the batch first: one for every input


def feeds(backend: HostBackend, network: Network, images: Iterable[np.ndarray]) -> Iterator[Feed]:
    """
    What the network gets at run time for each picture, (H, W, 3) uint8 BGR, which fills a fixed
    batch alone. A feed is valid until the next is asked for.
    """
    for image in images:
        whole = np.array([(0, 0) + letterbox.size_of(image)], np.float32)
        picture = backend.prepare(network, [image], whole)
        rest = [spec for spec in network.inputs if len(spec.shape) != picture.ndim]
        (name,) = [spec.name for spec in network.inputs if spec not in rest]
        batch = max(1, next(spec.shape[0] for spec in network.inputs if spec.name == name))
        feed = {name: np.repeat(picture, batch, axis=0)}
        for spec in rest:
            values = size_values(spec, network.model, network.input)
            feed[spec.name] = np.tile(values, (batch, 1))
        yield feed


def watched(
    model: Any, path: str, names: Sequence[str], feeds: Iterable[Feed], seen: Callable[[int], None]
) -> Dict[str, Histogram]:
    """
    Run the model, onnx's ModelProto, on each feed and count the magnitudes of these tensors, all
    float. Holds one feed's values at a time; ``seen`` is told how many feeds are done. Raises
    EngineError where there are none, or one that the model cannot take.
    """
    import onnx

    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = rewrite.session(probe.SerializeToString(), path)
    found: Dict[str, Histogram] = {}
    done = 0
    for feed in feeds:
        for name, values in zip(names, _run(session, feed, path)):
            found[name] = histogram.added(found.get(name), values)
        done += 1
        seen(done)
    if not done:
        raise EngineError(
            f"{path}: no pictures to calibrate with. Give a folder or clip that shows what the "
            "camera will see; 32 to 200 pictures do"
        )
    return found


def _run(session: Any, feed: Feed, path: str) -> Any:
    try:
        return session.run(None, dict(feed))
    except Exception as error:  # ONNX Runtime's own errors share no base but this
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in feed.items())
        raise EngineError(
            f"{path}: cannot run on {shapes}: {modelfile.first_line(error)}. "
            "Calibrate with tensors prepared for this very model"
        ) from error
