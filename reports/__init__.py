"""Reports: what was stored, read into frames and written as one page that needs nothing else.

Files are read in `outcomes`, `asv_results` and `catalogue`; `findings` and what it is made of
(`verdict`, `correctness`, `accuracy`, `speed`) and `page` are pure; `report.write_report` joins them.
Nothing here imports torch, so a page can be made on a machine that has none.
"""
