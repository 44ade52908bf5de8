"""What is known of the method before it is loaded; torch is not imported here."""

from bridgebench.methods import MethodCard

CARD = MethodCard(
    name="colour-transfer",
    title="Colour transfer",
    modes=frozenset({"reference"}),
    kind="method",
    paper="Reinhard et al., IEEE Computer Graphics and Applications 2001",
    summary="Gives the image the mean and the spread of the reference's colours.",
    editor="colour_transfer.editor:ColourTransfer",
    strength=(0.0, 1.0, 1.0),
)
