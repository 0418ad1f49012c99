"""The page in which ``dvc plots show`` draws, with everything that it needs in it, so that it draws
without a network; DVC's own loads Vega from a server.  ``python -m synthfr.pipeline.plots_page``
"""

from __future__ import annotations

import subprocess
import sys

from synthfr.disk import write_text
from synthfr.pipeline import layout

NAME = "plots.html"  # below .dvc, where DVC looks for it; `make install` makes it
_PAGE = """<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>DVC plots</title>
{refresh_tag}
<script>
%s
</script>
<style>table { border-spacing: 15px; }</style>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def page() -> str:
    """The page, with DVC's placeholders; Vega, Vega-Lite and Vega-Embed are those of
    vl-convert-python, some 900 kB.
    """
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    # in a script, this would end it
    return _PAGE % f"(() => {{\n{bundle}\n}})();".replace("</script", "<\\/script")


def main() -> None:
    """Write the page into this checkout, and have DVC use it (``.dvc/config.local``)."""
    root = layout.checkout()
    write_text(root / ".dvc" / NAME, page())
    command = [sys.executable, "-m", "dvc", "config", "--local", "plots.html_template", NAME]
    subprocess.run(command, cwd=root, check=True)


if __name__ == "__main__":
    main()
