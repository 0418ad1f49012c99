"""Two sites: one has the models and no private document, the other the documents and no model.

They exchange files (`bundle`): outside asks (a question), a hospital answers. What may stand in
each is closed (`exchanges`): tables of known schemas, parameters, numbers, and of a step the coders
that were kept (`coders`); all of it hashed, and the hashes signed. Several hospitals may answer one
question (`combine`).
"""
