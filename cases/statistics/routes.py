"""Addresses of statistics."""

from django.urls import path

from cases.statistics import api, pages, report_pages

urlpatterns = [
    path("statistics/", pages.statistics, name="statistics"),
    path("statistics/series/", pages.series, name="statistics-series"),
    path("statistics/frequent/", pages.frequent, name="statistics-frequent"),
    path("statistics/export/", pages.export, name="statistics-export"),
    path("statistics/reports/", report_pages.reports, name="statistics-reports"),
    path("statistics/reports/make/", report_pages.make, name="statistics-report-make"),
    path("statistics/reports/<int:pk>/", report_pages.report, name="statistics-report"),
    path("statistics/templates/upload/", report_pages.upload, name="statistics-template-upload"),
    path("statistics/templates/<int:pk>/", report_pages.switch, name="statistics-template-switch"),
    path("statistics/templates/<slug:kind>/", report_pages.shipped, name="statistics-template-shipped"),
    path("api/statistics/", api.CatalogueView.as_view(), name="statistics-catalogue"),
    path("api/statistics/table/", api.TableView.as_view(), name="statistics-table"),
]
