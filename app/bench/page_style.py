"""page_style: how the page of a benchmark looks: on a screen, on a phone, in the dark, on paper."""

STYLE = """\
:root{--ground:#fff;--card:#f6f8fa;--ink:#1f2328;--quiet:#57606a;--edge:#d8dee4;--warn:#9a6700;
--warn-ground:#fff8c5;--well:#1a7f37}
@media not print{@media (prefers-color-scheme:dark){:root{--ground:#0d1117;--card:#161b22;
--ink:#e6edf3;--quiet:#9198a1;--edge:#30363d;--warn:#d29922;--warn-ground:#272115;--well:#3fb950}}}
*{box-sizing:border-box}
body{margin:0 auto;padding:24px 16px 48px;max-width:1120px;background:var(--ground);
color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{font-size:26px;line-height:1.2;margin:0 0 8px}
h2{font-size:18px;margin:32px 0 8px}
h3{font-size:15px;margin:20px 0 6px}
p{margin:4px 0;overflow-wrap:anywhere}
.lead{font-size:17px}
.quiet,.foot{color:var(--quiet)}
.foot{font-size:13px}
code,pre,dd{font-family:ui-monospace,SFMono-Regular,"DejaVu Sans Mono",monospace;font-size:13px}
.command{margin:10px 0;padding:8px 12px;background:var(--card);border:1px solid var(--edge);
border-radius:6px}
pre{margin:0;padding:12px;background:var(--card);border:1px solid var(--edge);border-radius:6px;
white-space:pre-wrap;overflow-wrap:anywhere}
aside{margin:20px 0;padding:12px 16px;border:1px solid var(--edge);border-left-width:6px;
border-radius:6px}
.against{border-color:var(--warn);background:var(--warn-ground)}
.against h2{margin:0 0 4px;color:var(--warn)}
.against ul{margin:0;padding-left:20px}
.against li{overflow-wrap:anywhere}
.well{border-left-color:var(--well)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px}
.tiles div{padding:12px 16px;background:var(--card);border:1px solid var(--edge);border-radius:8px}
.tiles strong{font-size:24px;line-height:1.2;white-space:nowrap}
.tiles span{display:block;color:var(--quiet);font-size:13px;overflow-wrap:anywhere}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;min-width:min(100%,560px)}
th,td{padding:5px 12px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--edge)}
th:first-child{text-align:left;padding-left:0;white-space:normal;overflow-wrap:anywhere;
min-width:130px;max-width:420px;position:sticky;left:0;background:var(--ground)}
thead th{color:var(--quiet);font-weight:600;font-size:13px}
tbody th{font-weight:500}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:20px;
margin:32px 0;align-items:start}
figure{margin:0;padding:12px;border:1px solid var(--edge);border-radius:8px;break-inside:avoid}
figure svg{display:block;width:100%;max-width:600px;height:auto;margin:0 auto}
details{margin:8px 0;padding:8px 14px;border:1px solid var(--edge);border-radius:8px}
summary{cursor:pointer;font-weight:600;overflow-wrap:anywhere}
dl{margin:8px 0}
dl div{display:grid;grid-template-columns:minmax(90px,200px) minmax(0,3fr);gap:12px;padding:3px 0;
border-bottom:1px solid var(--edge)}
dt{color:var(--quiet);overflow-wrap:anywhere}
dd{margin:0;overflow-wrap:anywhere}
@media (max-width:480px){body{padding:16px 12px 32px;font-size:14px}h1{font-size:22px}
figure{padding:8px 4px}.tiles strong{font-size:20px}.tiles div{padding:10px 12px}
th,td{padding:5px 8px}th:first-child{min-width:96px;max-width:150px}}
@media print{body{max-width:none;padding:0;font-size:10pt}.wide{overflow:visible}
.plots{grid-template-columns:1fr 1fr;gap:8px}h2,h3,summary{break-after:avoid}
table{font-size:9pt}th,td{padding:3px 6px}section{break-inside:auto}tr,aside{break-inside:avoid}
details::details-content{content-visibility:visible;display:block;height:auto}}
"""
