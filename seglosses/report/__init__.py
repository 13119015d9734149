"""Building blocks of self-contained HTML reports: pages, tables, charts and overlays."""
