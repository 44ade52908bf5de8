"""The domains of StarGAN v2, read from label columns."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from bridgebench.methods.core.errors import UserError, did_you_mean


class DomainIndex:
    """Reads the domain of an image from its label columns: an index 0..count-1, as in the official code.

    * Several columns: each column is a domain, in this order; each row has exactly one column set.
    * One column, or one of several that `attribute` names: two domains, 0 without and 1 with the attribute. The other
      columns are not read, because StarGAN v2 supports a combination of attributes only as a domain of its own.

    Args:
        attributes: names of the label columns.
        attribute: see above; None, with several columns: each column is a domain.

    Raises:
        UserError: `attribute` is not one of the columns.
    """

    def __init__(self, attributes: Sequence[str], attribute: str | None = None) -> None:
        self.attributes = tuple(attributes)
        if attribute is not None and attribute not in self.attributes:
            hint = did_you_mean(attribute, self.attributes)
            raise UserError(f"StarGAN v2's attribute '{attribute}' is none of {', '.join(self.attributes)}.{hint}")
        if attribute is None and len(self.attributes) == 1:
            attribute = self.attributes[0]
        self.column = None if attribute is None else self.attributes.index(attribute)

    @property
    def count(self) -> int:
        """K, the number of domains."""
        return len(self.attributes) if self.column is None else 2

    @property
    def editable(self) -> tuple[str, ...]:
        """The label columns that an edit can change."""
        return self.attributes if self.column is None else (self.attributes[self.column],)

    def of(self, labels: Tensor) -> Tensor:
        """Labels (N, A) of 0 and 1 -> domains (N,), int64.

        Raises:
            UserError: each column is a domain, but a row sets no column or several.
        """
        if self.column is not None:
            return labels[:, self.column].long()
        if not bool((labels.sum(dim=1) == 1).all()):
            raise UserError(
                f"StarGAN v2's labels are one column a domain ({', '.join(self.attributes)}) and set exactly one of "
                'them in each row; for attributes that go together, choose one: attribute = "NAME" in its recipe.'
            )
        return labels.argmax(dim=1)

    def predicted(self, logits: Tensor) -> Tensor:
        """A classifier's logits (N, A) -> the most likely domains (N,), int64."""
        return logits.argmax(dim=1) if self.column is None else (logits[:, self.column] > 0).long()
