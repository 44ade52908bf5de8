"""`bridgebench profiles`: the profiles that come with bridgebench."""

from __future__ import annotations

from bridgebench.harness.commands.options import AsJson
from bridgebench.harness.commands.output import show, show_json
from bridgebench.harness.processes.terminal import text_table

JSON_FIELDS = (
    "profiles, each with name, about (what it is for), data (the data set), drawn (true: it needs no photos), "
    "image_size (pixels), train and test (images; null: all there are), edited (test images a cell; null: all), "
    "attributes and methods."
)


def profiles(as_json: AsJson = False) -> None:
    """Lists the shipped profiles.

    Their images, size, how many test images a cell edits, and what each is for.
    """
    from bridgebench.harness.profiles.profile import DRAWN_HERE, load_profile, shipped_profiles

    found = [load_profile(name) for name in shipped_profiles()]
    if as_json:
        listed = [
            {
                "name": profile.name,
                "about": profile.about,
                "data": profile.data.name,
                "drawn": profile.data.name in DRAWN_HERE,
                "image_size": profile.data.image_size,
                "train": profile.data.train or None,
                "test": profile.data.test or None,
                "edited": profile.evaluation.n or None,
                "attributes": profile.attributes,
                "methods": profile.methods,
            }
            for profile in found
        ]
        show_json({"profiles": listed})
        return
    rows = []
    for profile in found:
        data = f"{profile.data.name} ({'drawn' if profile.data.name in DRAWN_HERE else 'your photos'})"
        edited = f"{profile.evaluation.n:,}{profile.space.of_each}" if profile.evaluation.n else "all"
        rows.append((profile.name, data, f"{profile.data.image_size} px", edited, profile.about))
    show(text_table(("profile", "images", "size", "edited", "what it is for"), rows))
