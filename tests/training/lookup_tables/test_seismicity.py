"""The table of how often earthquakes occur where."""

import numpy as np

from training.lookup_tables.seismicity import tabulate_years
from training.synthesis.catalogs import load_epicenters


def test_years_count_and_aftershocks_of_one_year_do_not():
    years = np.array([2000, 2001, 2002, 2003, *[2000] * 50])
    latitudes = np.array([10.5, 10.5, 10.5, 10.5, *[-30.5] * 50])
    longitudes = np.array([20.5, 20.5, 20.5, 20.5, *[100.5] * 50])
    table = tabulate_years(years, latitudes, longitudes).astype(float) / 255.0
    assert table.shape == (180, 360)
    each_year, once = table[100, 200], table[59, 280]
    assert abs(each_year - (1.0 - np.exp(-1.0))) < 0.01
    assert abs(once - 0.25) < 0.01, "one year of four, however many earthquakes"
    assert table[100, 204] == 0.0


def test_epicenters_of_the_data_folder_are_read(tmp_path):
    folder = tmp_path / "catalogs"
    folder.mkdir()
    rows = "origin_time,latitude,longitude,depth_km,magnitude\n1985-01-01T13:11:14.710,-4.588,152.951,72.10,5.0\n"
    (folder / "iris_m5plus_1985_2015.csv").write_text(rows)
    assert [values.tolist() for values in load_epicenters(tmp_path)] == [[1985], [-4.588], [152.951]]
