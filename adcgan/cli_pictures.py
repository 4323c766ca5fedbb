"""The commands for own pictures: ``adcgan fit`` learns from normal ones, ``score`` judges others, ``export``: ONNX."""

import csv
import io
import os
import sys
import time

import numpy as np

from .config import OFFERED, SCALES, parse_options
from .data.folders import IMAGE_SIZES, RESIZES, divide, expanded, find, gather, listed, look, read, shown
from .errors import AdcganError

BESIDE = ("pca", "knn")  # baselines that a test is also done with


def add(commands, devices: str) -> None:
    """Add the three commands to the command line; ``devices`` is the help of ``--device``."""
    fit = commands.add_parser("fit", help="learn from a folder of normal pictures")
    fit.set_defaults(command=_fit)
    fit.add_argument(
        "folder", type=expanded, metavar="FOLDER", help="pictures, or train and test, or a folder per class"
    )
    fit.add_argument("--model", type=expanded, required=True, metavar="FILE", help="where to keep what was learnt")
    fit.add_argument("--normal", metavar="NAME", help="the normal class, where there are several and none is 'good'")
    fit.add_argument("--method", default="adcgan", choices=OFFERED, help="default: %(default)s")
    fit.add_argument("--image-size", type=int, choices=IMAGE_SIZES,
                     help="pixels a side (default: the pictures' own where it is one of these, else 32)")  # fmt: skip
    fit.add_argument("--channels", type=int, choices=(1, 3), help="1 grey, 3 colour (default: as the pictures are)")
    fit.add_argument(
        "--resize", default="stretch", choices=RESIZES, help="of what is not square (default: %(default)s)"
    )
    fit.add_argument("--scale", default="laptop", choices=SCALES, help="default: %(default)s")
    fit.add_argument("--false-alarms", type=float, default=0.05, metavar="SHARE",
                     help="share of normal pictures that may be called anomalous (default: %(default)s)")  # fmt: skip
    fit.add_argument("--options", default="", help="further options of the method, as in 'epochs=5 width=0.5'")
    fit.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    score = commands.add_parser("score", help="score pictures, and say which are anomalous")
    score.set_defaults(command=_score)
    score.add_argument("model", type=expanded, metavar="MODEL", help="what `adcgan fit` has left")
    score.add_argument("pictures", type=expanded, nargs="+", metavar="FOLDER-OR-FILE")
    score.add_argument("--out", type=expanded, metavar="FILE", help="write the CSV there instead of to standard output")
    score.add_argument("--report", type=expanded, metavar="FILE", help="also write a page that shows the pictures")
    for command in (fit, score):
        command.add_argument("--device", default="auto", help=devices)
    export = commands.add_parser("export", help="write a model as ONNX")
    export.set_defaults(command=_export)
    export.add_argument("model", type=expanded, metavar="MODEL", help="what `adcgan fit` has left")
    export.add_argument("out", type=expanded, metavar="FILE")


def _fit(given):
    name, images, test, how = _found(given)
    options = parse_options(given.method, given.options)
    from .detector import AnomalyDetector, hold_out

    learn, held = hold_out(len(images))
    print(f"{len(learn)} to learn from, {len(held)} held out to set the threshold", flush=True)
    _writable(given.model)
    detectors, others = {}, [other for other in test if other != name]
    for method in dict.fromkeys((given.method, *(BESIDE if others else ()))):
        started = time.monotonic()
        detector = AnomalyDetector(
            method, **how, scale=given.scale, device=given.device, false_alarms=given.false_alarms,
            options=options if method == given.method else None, random_state=given.seed, verbose=True,
        )  # fmt: skip
        detectors[method] = detector.fit(images), time.monotonic() - started
        if method == given.method:
            detector.names_ = [name, *others]
            detector.save(given.model)
            print(f"threshold {detector.threshold_:.6g} for at most {100 * given.false_alarms:g} % false alarms; "
                  f"learnt in {detectors[method][1]:.0f} s; {shown(given.model)}", flush=True)  # fmt: skip
    if others:
        _test(detectors, test.get(name), np.concatenate([test[other] for other in others]))
    return 0


def _found(given):
    """The normal class, its images, those to test on by class, and how they were read; all of it is said."""
    found = find(given.folder)
    divided = divide(found, given.normal)
    formats = look([*divided.normal, *(path for paths in divided.test.values() for path in paths)])
    how = dict(
        image_size=given.image_size or formats.side, channels=given.channels or formats.channels, resize=given.resize
    )
    images, _, skipped = read(divided.normal, **how)
    test = {}
    for name, paths in divided.test.items():
        some, _, bad = read(paths, **how)
        skipped += bad
        if len(some):
            test[name] = some
    counted = "".join(f", {len(some)} to test on of {name}" for name, some in test.items())
    print(f"{shown(given.folder)}: {len(images)} normal pictures of {divided.name}{counted}")
    if not len(images):
        raise AdcganError(f"{shown(given.folder)}: none of its normal pictures can be read: {listed(skipped)}")
    print(formats.read_as(**how))
    if skipped := found.skipped + skipped:
        print(f"left out: {len(skipped)}: {listed(skipped)}")
    return divided.name, images, test, how


def _test(detectors, normal, pictures):
    """AUROC and decisions of every method on the same pictures; ``normal`` None: against those that it held out."""
    from .scoring import auroc, auroc_interval

    print(f"AUROC in percent, with its 95 % interval (DeLong): {len(pictures)} anomalous against "
          + ("the held-out normal pictures" if normal is None else f"{len(normal)} normal test pictures"))  # fmt: skip
    for method, (detector, seconds) in detectors.items():
        usual = detector.held_out_ if normal is None else detector.anomaly_score(normal)
        unusual = detector.anomaly_score(pictures)
        scores, anomalous = np.concatenate([usual, unusual]), np.arange(len(usual) + len(unusual)) >= len(usual)
        low, high = auroc_interval(anomalous, scores)
        width = f"{100 * low:.1f} to {100 * high:.1f}" if high > low else "too few errors for an interval"
        called = [int((some > detector.threshold_).sum()) for some in (usual, unusual)]
        alarms = "" if normal is None else f", {called[0]} of {len(usual)} false alarms"
        print(f"  {method}: {100 * auroc(anomalous, scores):.1f} ({width}); {called[1]} of {len(unusual)} detected"
              f"{alarms}; learnt in {seconds:.1f} s")  # fmt: skip


def _score(given):
    from .detector import AnomalyDetector

    for file in filter(None, (given.out, given.report)):
        _writable(file)
    detector = AnomalyDetector.load(given.model, given.device)
    pictures, skipped = gather(given.pictures)
    how = dict(image_size=detector.image_size_, channels=detector.channels_, resize=detector.resize)
    images, kept, unread = read(pictures, **how)
    if not kept:
        raise AdcganError(f"no picture can be read: {listed(unread + skipped) or 'there is none'}")
    print(look(kept).read_as(**how), file=sys.stderr)
    for file, reason in skipped + unread:
        print(f"adcgan: not scored: {shown(file)}: {reason}", file=sys.stderr)
    scores = detector.anomaly_score(images)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["path", "score", "p_value", "anomalous"])
    for file, score, p in zip(kept, scores, detector.p_value(scores), strict=True):
        table.writerow([shown(file), f"{score:.7g}", f"{p:.4g}", "yes" if score > detector.threshold_ else "no"])
    if given.report:
        from .report import report

        report(given.report, detector, kept, images, scores, skipped + unread)
    if given.out:
        from .experiments.files import written

        written(given.out, text.getvalue().encode())
    else:
        print(text.getvalue(), end="")
    return 1 if unread else 0


def _export(given):
    from .detector import AnomalyDetector
    from .export import export

    _writable(given.out)
    detector = AnomalyDetector.load(given.model, "cpu")
    difference = export(detector, given.out)
    size, channels = detector.image_size_, detector.channels_
    print(f"{shown(given.out)}: images uint8 (N, {size}, {size}, {channels}) -> score, components; onnxruntime agrees "
          f"to {difference:.0e}")  # fmt: skip
    return 0


def _writable(file):
    """Fail before the work, not after it."""
    reason = ""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f" ({error.strerror or error})"
    if reason or file.is_dir() or not os.access(file.parent, os.W_OK):
        raise AdcganError(
            f"{shown(file)} cannot be written{reason}: expected the name of a file in a directory of yours"
        )
