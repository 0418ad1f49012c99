"""What edsnlp takes for negated: ``python tests/fidelity/eds_negation.py`` reads a JSON list of
``[text, [[begin, end], ...]]`` and writes one of ``[true, ...]``.

A process of its own: edsnlp changes spaCy's factories for whoever imports it.
"""

import json
import sys

import spacy


def main() -> None:
    """Answer stdin on stdout."""
    # before edsnlp registers its own factories: it breaks spaCy's
    spacy.blank("fr").add_pipe("sentencizer")
    import edsnlp
    import edsnlp.pipes as eds

    nlp = edsnlp.blank("eds")
    for pipe in (eds.normalizer(), eds.sentences(), eds.negation()):
        nlp.add_pipe(pipe)
    *before, (_, negation) = nlp.pipeline
    answers = []
    for text, spans in json.load(sys.stdin):
        doc = nlp.make_doc(text)
        for _, pipe in before:
            doc = pipe(doc)
        doc.ents = [doc.char_span(*span, label="term", alignment_mode="expand") for span in spans]
        answers.append([bool(ent._.negation) for ent in negation(doc).ents])
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
