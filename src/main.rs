use std::path::Path;
use regfix::*;
fn walk(dir:&Path, f:&mut dyn FnMut(&Path)){ if let Ok(r)=std::fs::read_dir(dir){ let mut v:Vec<_>=r.flatten().map(|e|e.path()).collect(); v.sort(); for p in v { if p.is_symlink() {continue} if p.is_dir(){walk(&p,f)} else {f(&p)} } } }
fn main(){
    let a:Vec<String>=std::env::args().collect();
    let write=a.iter().any(|x|x=="--write"); let uns=a.iter().any(|x|x=="--unsafe-fixes");
    let sel=a.iter().position(|x|x=="--select").map(|i|a[i+1].split(',').map(str::to_owned).collect::<Vec<_>>());
    let root=a.last().unwrap();
    let own=rules::RuleSet::with_own(&[]).unwrap();
    let rs=rules::RuleSet::new(own.into_iter().filter(|r|sel.as_ref().is_none_or(|s|s.contains(&r.id))).collect());
    let an=rules::anchors::Anchors::new(&rs).unwrap();
    walk(Path::new(root), &mut |p|{
        let Some(k)=kind::classify(p) else {return};
        let Ok(t)=std::fs::read_to_string(p) else {return};
        if !an.occur_in(t.as_bytes()) {return}
        let c=check::check(p,&t,k,&rs);
        let lim=if uns {edit::Applicability::Unsafe} else {edit::Applicability::Safe};
        if write { let d=edit::apply(&t,c.findings.iter().filter_map(|f|f.fix.as_ref()),lim); if d.text!=t {std::fs::write(p,d.text).unwrap();} }
        else { let li=source::LineIndex::new(&t); for f in &c.findings { let pos=li.position(&t,f.span().start); println!("{}:{}:{}: {} {} {} -> {:?} {:?} {:?}",p.display(),pos.line,pos.column,f.severity.name(),f.rule,f.old,f.new,f.fix.as_ref().map(|x|x.applicability),f.reason);} for pr in &c.problems {println!("{}: PROBLEM {:?} {}",p.display(),pr.offset,pr.message);} }
    });
}
