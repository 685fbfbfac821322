"""tiny: networks, clips and pictures made on the spot, where any will do."""

import numpy as np


def detector(path, size_wh=(64, 48), output="output"):
    """
    Write an ONNX that finds one object of class 0 in the middle of every picture, with the
    picture's mean brightness as its score, as one (1, 1, 6) row: xyxy, score, class.
    """
    from onnx import TensorProto, helper, numpy_helper, save

    wide, high = size_wh
    box = np.array([[[wide / 4, high / 4, wide * 3 / 4, high * 3 / 4]]], np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Reshape", ["mean", "shape"], ["score"]),
        helper.make_node("Concat", ["box", "score", "class"], [output], axis=2),
    ]
    constants = {
        "box": box,
        "shape": np.array([1, 1, 1], np.int64),
        "class": np.zeros((1, 1, 1), np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, high, wide])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, 1, 6])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    model.ir_version = 7
    save(model, str(path))
    return str(path)


def classifier(path, classes=6):
    """Write an ONNX that gives logits of how bright each colour of a 48x48 picture is, mixed."""
    from onnx import TensorProto, helper, numpy_helper, save

    mixed = np.random.RandomState(9).randn(3, classes).astype(np.float32) * 3
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "mixed"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "shades",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, 48, 48])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", classes])],
        [numpy_helper.from_array(mixed, "mixed")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    model.ir_version = 7
    save(model, str(path))
    return str(path)


def unknown(path):
    """Write an ONNX whose output no decoder can read."""
    from onnx import TensorProto, helper, save

    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=1)],
        "unknown",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 48, 64])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, 1, 1, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    model.ir_version = 7
    save(model, str(path))
    return str(path)


def clip(path, frames=20, size_wh=(320, 240), fps=10.0):
    """Write an MP4 of a bright picture with a moving square."""
    import cv2

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), fps, size_wh)
    assert writer.isOpened()
    for number in range(frames):
        image = np.full((size_wh[1], size_wh[0], 3), 200, np.uint8)
        left = 10 * number % (size_wh[0] - 40)
        image[50:90, left : left + 40] = (30, 60, 90)
        writer.write(image)
    writer.release()
    return str(path)


def pictures(folder, count=3, size_wh=(320, 240)):
    """Write a folder of bright pictures, 000.jpg and so on."""
    import cv2

    folder.mkdir(exist_ok=True)
    for number in range(count):
        image = np.full((size_wh[1], size_wh[0], 3), 180 + number, np.uint8)
        cv2.imwrite(str(folder / f"{number:03d}.jpg"), image)
    return str(folder)
