"""Lengths in tokens of prompts and reports, against every limit that cuts a report or ends a run.

Limits are told with the value to set. A value covers `COVERED` of the reports as far as the base
holds them; prompts count in full, as one that is too long ends a stage.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from synthfr import prompts as prompt_templates
from synthfr.pipeline.data_fit.base_reader import BaseReader, Counts
from synthfr.pipeline.data_fit.exported import Exported
from synthfr.pipeline.data_fit.fit import Fit, note, ok, stop

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.pipeline.parameters import Params

COVERED = 99  # per cent of the reports
STEP = 32  # values are named in multiples of it
# a report that was written is read again as text, which may take a few tokens more
SPARE = 8


@dataclass(frozen=True)
class Lengths:
    """Tokens: `sft` of prompt, report and end together; `reports` with their end."""

    sft_prompts: Counts
    sft: Counts
    prompts: Counts  # of private documents, for candidates
    asked: Counts  # prompts of the step data sets
    reports: Counts

    @cached_property
    def longest_prompt(self) -> int:
        return int(self.prompts.max())


def measure(
    reader: BaseReader,
    made: Exported,
    taught: pd.DataFrame | None,
    texts: Sequence[str],
    params: Params,
) -> Lengths:
    """`taught` (SFT): a teacher's reports, where there are any; `texts`: reports of both sides."""
    import pandas as pd

    sft = made.sft if taught is None else pd.concat([made.sft, taught])
    sft_prompts = reader.prompts(sft["prompt"].tolist())
    template, language = params.prompt.template, params.seed.language
    asked = {prompt_templates.render(one.keywords, template, language) for one in made.planned}
    return Lengths(
        sft_prompts,
        sft_prompts + reader.reports(sft["completion"].tolist()),
        reader.prompts(made.prompts["prompt"].tolist()),
        reader.prompts(sorted(asked)),
        reader.reports(texts),
    )


def length_fits(
    lengths: Lengths, reader: BaseReader, made: Exported, params: Params
) -> Iterator[Fit]:
    """All that lengths tell."""
    context = _context(reader, params)
    yield from _engine(reader, params)
    yield from _held(lengths, reader)
    yield from _prompts(lengths, reader, made, params, context)
    yield from _sft(lengths, reader, made, params)
    written = _new_tokens(lengths, reader, params.generate.max_new_tokens, lengths.prompts, context)
    asked = _new_tokens(lengths, reader, params.synthesize.max_new_tokens, lengths.asked, context)
    yield _written("generate", params.generate.max_new_tokens, written, lengths)
    yield _written("synthesize", params.synthesize.max_new_tokens, asked, lengths)
    if params.rounds:
        yield from _dpo(lengths, reader, params, context, written)


def _engine(reader: BaseReader, params: Params) -> Iterator[Fit]:
    limit = params.engines.vllm.max_model_len
    if _uses_vllm(params) and limit and reader.positions and limit > reader.positions:
        yield stop(
            "engine",
            f"engines.vllm.max_model_len is {limit:,}, the base holds {reader.positions:,} tokens: "
            f"set it to {reader.positions}",
            {"engines.vllm.max_model_len": reader.positions},
        )


def _held(lengths: Lengths, reader: BaseReader) -> Iterator[Fit]:
    """Reports that the base cannot hold, whatever the parameters say."""
    if reader.positions is None:
        return
    over = int((lengths.reports + int(np.median(lengths.prompts)) > reader.positions).sum())
    if over:
        yield note(
            "base length",
            f"{_of(over, lengths.reports)} reports are longer, with a usual prompt, than the "
            f"{reader.positions:,} tokens that the base holds: it never learns or writes them "
            "whole; choose a base with more positions, or divide the reports",
        )
    else:
        yield ok("base length", f"every report fits the base's {reader.positions:,} tokens")


def _prompts(
    lengths: Lengths, reader: BaseReader, made: Exported, params: Params, context: int | None
) -> Iterator[Fit]:
    """A prompt that fills the base ends `generate` or `synthesize`."""
    if context is None:
        return
    half = context // 2
    if lengths.longest_prompt >= context:
        fewer = _fewer(reader, _terms(made), params, half)
        yield stop(
            "prompts",
            f"{_of(_over(lengths.prompts, context), lengths.prompts)} prompts of private documents "
            f"leave no room for a report: up to {lengths.longest_prompt:,} tokens of {context:,}: "
            f"set keywords.max_keywords to {fewer}",
            {"keywords.max_keywords": fewer},
        )
    if (longest := int(lengths.asked.max())) >= context:
        asked = [one.keywords for one in made.planned]
        a_code = params.synthesize.max_keywords_per_code
        fewer = max(1, _fewer(reader, asked, params, half) // a_code)
        yield stop(
            "prompts",
            f"prompts of the step data sets have up to {longest:,} tokens of the {context:,} that "
            f"there are: set synthesize.max_codes to {fewer}",
            {"synthesize.max_codes": fewer},
        )


def _sft(lengths: Lengths, reader: BaseReader, made: Exported, params: Params) -> Iterator[Fit]:
    limit, held = params.sft.max_length, reader.positions
    past_the_base = (
        held and not reader.endless and limit > held and bool((lengths.sft > held).any())
    )
    if params.sft.batching == "chunked" and not past_the_base:
        yield ok("sft", f"reports are cut into pieces of {limit:,} tokens ({_spread(lengths.sft)})")
        return
    longest_prompt = int(lengths.sft_prompts.max())
    wanted = _up(max(_covering(lengths.sft), longest_prompt + STEP))
    value = min(wanted, held) if held else wanted
    covers = f"which covers {_share(lengths.sft <= value)} of them whole"
    if held and longest_prompt >= held:
        fewer = _fewer(reader, _terms(made), params, held // 2)
        yield stop(
            "sft",
            f"prompts of public reports have up to {longest_prompt:,} tokens, the base holds "
            f"{held:,}: set keywords.max_keywords to {fewer}",
            {"keywords.max_keywords": fewer},
        )
    elif longest_prompt >= limit:
        yield stop(
            "sft",
            f"sft.max_length {limit:,} leaves no room after prompts of public reports, which have "
            f"up to {longest_prompt:,} tokens: set it to {value}, {covers}",
            {"sft.max_length": value},
        )
    elif held and past_the_base:
        yield stop(
            "sft",
            f"sft.max_length {limit:,} is more than the {held:,} positions of the base, and there "
            f"are reports as long: set it to {held}",
            {"sft.max_length": held},
        )
    elif cut := _over(lengths.sft, limit + 1):
        text = (
            f"{_of(cut, lengths.sft)} reports with their prompts are longer than sft.max_length "
            f"{limit:,} and will be cut ({_spread(lengths.sft)})"
        )
        if value > limit:
            yield note("sft", f"{text}: set it to {value}, {covers}", {"sft.max_length": value})
        else:
            yield note("sft", f"{text}; the base holds no more")
    else:
        yield ok("sft", f"no report is cut at sft.max_length {limit:,} ({_spread(lengths.sft)})")


def _new_tokens(
    lengths: Lengths, reader: BaseReader, now: int, prompts: Counts, context: int | None
) -> int:
    """Tokens for reports that cover `COVERED` of them, as far as there is room behind prompts:
    usual ones, or all of them, where a base ends in an error past its positions.
    """
    wanted = _up(_covering(lengths.reports))
    if context is not None:
        behind = np.median(prompts) if reader.endless else prompts.max() + SPARE
        wanted = min(wanted, (context - int(behind)) // STEP * STEP)
    return max(wanted, now)


def _written(section: str, now: int, wanted: int, lengths: Lengths) -> Fit:
    name = f"{section}.max_new_tokens"
    over = _over(lengths.reports, now + 1)
    if not over:
        return ok(section, f"every report would fit {name} {now:,} ({_spread(lengths.reports)})")
    text = (
        f"{_of(over, lengths.reports)} reports are longer than {name} {now:,} "
        f"({_spread(lengths.reports)}): none so long can be written"
    )
    if wanted == now:
        fine = lengths.reports.size * (100 - COVERED) >= over * 100
        return (ok if fine else note)(section, text)
    covers = _share(lengths.reports <= wanted)
    return note(
        section,
        f"{text}: set it to {wanted}, which covers {covers} of them; more takes time in proportion",
        {name: wanted},
    )


def _dpo(
    lengths: Lengths, reader: BaseReader, params: Params, context: int | None, written: int
) -> Iterator[Fit]:
    """A pair has at most a prompt and a candidate, which the base's end may cut, and the end token:
    too many pairs over ``dpo.max_length`` end the round, minutes after they were written.
    """
    limit, held = params.dpo.max_length, reader.positions
    longest, now = lengths.longest_prompt, params.generate.max_new_tokens
    room = None if context is None else context - longest

    def pair(new_tokens: int) -> int:
        return longest + (new_tokens if room is None else min(new_tokens, max(room, 0))) + 1

    told = f"a prompt of {longest:,} tokens with generate.max_new_tokens {now:,} and an end token"
    if held and not reader.endless and pair(now) > held and room is not None:
        fewer = max(1, room - SPARE)
        yield stop(
            "dpo",
            f"{told} is longer than the {held:,} positions of the base: set "
            f"generate.max_new_tokens to {fewer} and dpo.max_length to {held}",
            {"generate.max_new_tokens": fewer, "dpo.max_length": held},
        )
        return
    may_cut = params.dpo.max_truncated_share == 1 and longest < limit
    # a report that was written is read again as text: bytes that are no character then take three
    # tokens each; a limit that is not reached costs nothing
    value = _up(pair(written) + max(SPARE, written // 4))
    if held and not reader.endless:
        value = min(value, held)
    if pair(now) > limit and not may_cut:
        also = f" (with generate.max_new_tokens {written})" if written != now else ""
        yield stop(
            "dpo",
            f"pairs may have {pair(now):,} tokens ({told}), dpo.max_length is {limit:,}, and "
            f"rounds refuse cut reports: set it to {value}{also}",
            {"dpo.max_length": value},
        )
    elif pair(written) > limit and not may_cut:
        yield note(
            "dpo",
            f"pairs have at most {pair(now):,} tokens, dpo.max_length is {limit:,}: with "
            f"generate.max_new_tokens {written} set it to {value}",
            {"dpo.max_length": value},
        )
    else:
        yield ok("dpo", f"pairs have at most {pair(now):,} tokens, dpo.max_length is {limit:,}")


def _context(reader: BaseReader, params: Params) -> int | None:
    """Tokens of prompt and report that the engines allow: the base's own, or vLLM's limit."""
    limits = [reader.positions]
    if _uses_vllm(params):
        limits.append(params.engines.vllm.max_model_len)
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


def _uses_vllm(params: Params) -> bool:
    return "vllm" in (params.generate.engine, params.synthesize.engine)


def _terms(made: Exported) -> list[list[str]]:
    """The keywords of every prompt, of both sides."""
    return [*made.sft["keywords"], *made.prompts["keywords"]]


def _fewer(reader: BaseReader, keywords: Sequence[list[str]], params: Params, limit: int) -> int:
    """The largest number of keywords with which every prompt has at most `limit` tokens; 1 where
    none has.
    """
    for number in range(max(map(len, keywords)), 1, -1):
        cut = {tuple(terms[:number]) for terms in keywords}
        texts = [
            prompt_templates.render(terms, params.prompt.template, params.seed.language)
            for terms in sorted(cut)
        ]
        if reader.prompts(texts).max() <= limit:
            return number
    return 1


def _covering(lengths: Counts) -> int:
    return int(np.percentile(lengths, COVERED, method="higher"))


def _up(number: int) -> int:
    return -(-number // STEP) * STEP


def _over(lengths: Counts, limit: int) -> int:
    """How many have `limit` tokens or more."""
    return int((lengths >= limit).sum())


def _of(count: int, lengths: Counts) -> str:
    return f"{count:,} of {lengths.size:,} ({count / lengths.size:.0%})"


def _share(mask: np.ndarray) -> str:
    return f"{mask.mean():.0%}"


def _spread(lengths: Counts) -> str:
    return f"half have up to {int(np.median(lengths)):,} tokens, the longest {lengths.max():,}"
