"""The page that shows what a pipeline run came to: ``reports/index.html``, one file, no network.

`results` reads the figures; `figures` draws them; `page` puts everything together. The same inputs
give the same bytes: no dates, no times (those come from scripts beside the page).
"""

from synthfr.pipeline.page.document import Sources, write
from synthfr.pipeline.page.times import write_times

__all__ = ["Sources", "write", "write_times"]
