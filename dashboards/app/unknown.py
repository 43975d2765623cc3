"""What an address asks for that a page does not offer, said on the page: an old link, a mistyped one.

Here: values of choices.
Not here: single things that are looked for, an entrance or an order, of which the page itself says that there is none.
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.app.context import Context
from dashboards.blocks import Block, Choice, Controls, Text, flat


def unknown_choices(context: Context, blocks: Sequence[Block]) -> list[Text]:
    """A warning for each choice whose value in the address is none of its options, with what is shown instead."""
    choices = [
        control
        for block in flat(blocks)
        if isinstance(block, Controls)
        for control in block.controls
        if isinstance(control, Choice) and not control.is_open
    ]
    said = []
    for choice in choices:
        asked = context.view.get(choice.key)
        labels = {option.value: option.label for option in choice.options}
        if asked and asked not in labels:
            shown = labels.get(choice.value, choice.value)
            text = context.look.text("unknown.choice", label=choice.label, value=asked, shown=shown)
            said.append(Text(text, "warning"))
    return said
