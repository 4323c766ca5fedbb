"""What the page of open choices shows: what each source says, what each recipe takes, what a change moves."""

import dataclasses
from collections.abc import Sequence

import pandas as pd

from adcgan.config import METHODS, RECIPES, Config, configure, open_choices
from adcgan.experiments.records import Record

from ..analysis import variants
from ..html import Html, counted, folded, interval, joined, plain, render, signed
from ..records import SCALES

SOURCES = {"paper": "Paper", "script": "Script", "elsewhere": "Others", "exception": "Exception"}


MATTER = (22, 44, 1, 12, 24, 25, 28, 18)  # score, reconstruction, contrastive loss, latents, test, warm-up


def choices(records: Sequence[Record]) -> Html:
    """The open choices: the eight that matter, the others folded; measured are AUROC points against recipe printed.

    At scale laptop, one-vs-all, means over the classes run.
    """
    effects = variants.effects(records, SCALES[0])
    rows = {number: _row(choice, effects[effects["choice"] == number]) for number, choice in open_choices().items()}
    first = _table([rows[number] for number in MATTER], "The eight choices that matter most")
    rest = _table([row for number, row in rows.items() if number not in MATTER], "The other open choices")
    return first + folded(f"The other {len(rows) - len(MATTER)} open choices", rest)


def _table(rows, caption):
    texts = ("recipe printed", "recipe script", "measured")
    return plain(pd.DataFrame(rows), caption, texts, kind="adcgan-choices")


def _row(choice, effects):
    said = [(title, choice[key]) for key, title in SOURCES.items() if key in choice]
    recipes = {
        f"recipe {recipe}": _taken(choice.get("recipes", {}).get(recipe, {}), choice.get("settled", ""))
        for recipe in RECIPES
    }
    measured = [_measured(effect) for _, effect in effects.iterrows()]
    return (
        {"open choice": render("choice.html", choice=choice["choice"], said=said)}
        | recipes
        | {"measured": joined(measured)}
    )


def _taken(values, settled):
    options = {
        name.rstrip("_"): ", ".join(f"{one} at {size}" for size, one in value.items())
        if isinstance(value, dict)
        else value
        for name, value in values.items()
    }
    return render("taken.html", options=options, settled=settled)


def _measured(effect):
    ends = interval(effect["low"], effect["high"])
    return Html("<small>{}: {} points ({}), {}</small><br>").format(
        effect["change"], signed(effect["mean"]), ends, counted(effect["runs"])
    )


def options(method: str) -> Html:
    """Every option of a method: its default (AD-CGAN's: recipe printed), other values, what it is."""
    config = configure(method, "one-vs-all", 28, 1)
    shared = set() if method == "adcgan" else {field.name for field in dataclasses.fields(Config)}
    rows = []
    for field in dataclasses.fields(config):
        if field.name in shared:
            continue  # said once, with AD-CGAN
        default = getattr(config, field.name)
        others = [str(choice) for choice in field.metadata["choices"] or () if choice != default]
        rows.append(
            {
                "option": field.name.rstrip("_"),
                "default": Html("<code>{}</code>").format(default),
                "instead": ", ".join(others) or "another value",
                "what it decides": field.metadata["help"],
            }
        )
    caption = f"Options of {METHODS[method].title}, with the defaults for 28-pixel images, one-vs-all"
    return plain(pd.DataFrame(rows), caption, ("default", "instead", "what it decides"))
