"""Cases from a workbook: ``read`` the sheet, ``check`` every row, ``run`` what is good in the background."""
